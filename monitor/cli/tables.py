"""Tables of findings and incidents for people.

In: findings, incidents. Out: Rich tables on standard output. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.common import console, short_time

if TYPE_CHECKING:
    from alerts.incident import Incident
    from detectors.result import Finding

_STYLES = {"breach": "bold red", "ok": "green", "insufficient": "yellow"}
_SEVERITIES = {"critical": "bold red", "warning": "yellow", "info": "blue"}


def findings_table(findings: Sequence[Finding], everything: bool, revisions: bool = False) -> None:
    """The breaches (with `everything`: all findings), worst first, and a line that counts the rest.

    With `revisions`, every look at a window in order, and when it was.
    """
    from rich.table import Table
    from rich.text import Text

    from detectors.registry import entry_of
    from detectors.result import Status

    chosen = [f for f in findings if everything or f.status is Status.BREACH]
    chosen.sort(key=lambda f: (f.window, f.status is not Status.BREACH, -_excess(f)))
    if revisions:
        chosen.sort(key=lambda f: (f.window, f.segment or "", f.subject, f.detector, f.evaluated_at))
    if chosen:
        table = Table(box=None, pad_edge=False)
        for heading, side in (
            ("window", "left"),
            ("subject", "left"),
            ("check", "left"),
            ("value", "right"),
            ("limit", "right"),
            ("before → after", "left"),
            ("rows", "right"),
            ("", "left"),
            *((("look", "left"),) if revisions else ()),
        ):
            table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
        for finding in chosen:
            detector = entry_of(finding.detector)
            show = detector.unit.show if detector else lambda value: f"{value:.3g}"
            change = " → ".join(str(finding.detail[key]) for key in ("before", "after") if key in finding.detail)
            table.add_row(
                Text(f"{finding.window.horizon} to {short_time(finding.window.end)[:10]}"),
                Text(finding.subject + (f" ({finding.segment})" if finding.segment else "")),
                Text(detector.title if detector else finding.detector.replace("_", " ")),
                Text("–" if finding.statistic is None else show(finding.statistic)),
                Text("–" if finding.threshold is None else f"{finding.threshold:g}"),
                Text(change or _columns(finding) or str(finding.detail.get("reason", ""))),
                Text(f"{finding.n:,}"),
                Text(_status(finding), style=_STYLES[finding.status.value]),
                *((Text(f"{finding.revision}: {short_time(finding.evaluated_at)}"),) if revisions else ()),
            )
        console().print(table)
    counts = {status: sum(f.status is status for f in findings) for status in Status}
    console().print(
        f"{counts[Status.BREACH]} in breach, {counts[Status.OK]} fine, "
        f"{counts[Status.INSUFFICIENT]} with too little data"
    )
    small = sum("small" in f.detail for f in findings)
    if small:
        console().print(
            f"{small} changed for sure, and by too little to matter (`small_changes: alarm` tells of these too)"
        )
    reasons = sorted({str(f.detail["reason"]) for f in findings if "reason" in f.detail})
    for reason in reasons:
        console().print(f"not judged: {reason}", markup=False)


def incidents_table(incidents: Sequence[Incident]) -> None:
    """Incidents, newest first."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "model", "severity", "state", "opened", "what"):
        table.add_column(heading, overflow="fold")
    for incident in sorted(incidents, key=lambda one: one.opened_at, reverse=True):
        closed = f" ({incident.verdict.value})" if incident.verdict else ""
        table.add_row(
            Text(incident.id),
            Text(incident.model),
            Text(incident.severity.value, style=_SEVERITIES[incident.severity.value]),
            Text(incident.state.value + closed),
            Text(short_time(incident.opened_at)),
            Text(f"{incident.diagnosis}: {incident.summary}"),
        )
    console().print(table)


def _status(finding: Finding) -> str:
    """How it was judged: preliminary while labels will still move it; on the days of a known event, which one."""
    if finding.detail.get("preliminary"):
        return "preliminary"
    if not finding.detail.get("judged", True):
        return "measured"
    event = finding.detail.get("event")
    return f"{finding.status.value} ({event})" if event and finding.status.value == "breach" else finding.status.value


def _columns(finding: Finding) -> str:
    """The columns behind a breach of the joint distribution."""
    from detectors.joint import behind
    from detectors.registry import Unit

    columns = finding.detail.get("columns")
    if finding.status.value != "breach" or not isinstance(columns, list):
        return ""
    named = behind([(str(name), float(share)) for name, share in columns])
    return ", ".join(f"{name} {Unit.SHARE.show(share)}" for name, share in columns if name in named)


def _excess(finding: Finding) -> float:
    size = finding.effect if finding.effect is not None else finding.statistic
    return abs(size or 0.0) / (finding.threshold or 1.0)
