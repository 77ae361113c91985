"""The words and figures that diagnoses are told with.

In: findings, names. Out: parts of sentences as plain text, shortened and on one line. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.joint import behind
from detectors.registry import JOINT, Unit, entry_of
from detectors.result import Finding

LONGEST_NAME = 60


def size_of(finding: Finding) -> float:
    return (finding.statistic if finding.effect is None else finding.effect) or 0.0


def parted(finding: Finding) -> tuple[str, ...]:
    """The columns that no longer go with the others; none where the finding is not about the joint distribution."""
    columns = finding.detail.get("columns") if finding.detector in JOINT else None
    if not isinstance(columns, list | tuple) or not columns:
        return ()
    return behind([(str(name), float(share)) for name, share in columns])


def no_longer(finding: Finding) -> str:
    """`temperature and dew_point no longer go together with the other columns`."""
    names = [plain(name) for name in parted(finding)]
    if not names:
        return "columns no longer go together"
    if len(names) == 1:
        return f"{names[0]} no longer goes together with the other columns"
    last = names[-1] if len(names) <= 3 else f"{len(names) - 2} more"
    return f"{', '.join(names[: min(len(names) - 1, 2)])} and {last} no longer go together with the other columns"


def fault(finding: Finding) -> str:
    told = finding.detail.get("explanation")
    if told:
        return f"{plain(finding.subject)} {plain(str(told), 200)} ({finding.n:,} rows)"
    name, share = plain(finding.subject), Unit.SHARE.show(finding.statistic or 0.0)
    usual = Unit.SHARE.show(max((finding.statistic or 0.0) - size_of(finding), 0.0))
    # "vanished" is said of a column that is gone, not of one that is lost now and then.
    gone = (finding.statistic or 0.0) >= 0.99
    said = {
        "vanished": f"{name} {'vanished: absent' if gone else 'is absent'} in {share}",
        "missing": f"{name} is missing in {share}",
        "type_change": f"{name} changed type in {share}",
        "non_finite": f"{name} is infinite in {share}",
        "unseen": f"{name} has categories never seen before in {share}",
        "out_of_range": f"{name} is outside its known range in {share}",
    }.get(finding.detector, f"{name}: {figure(finding)} in {share}")
    return f"{said} of {finding.n:,} rows ({usual} in the reference)"


def where(finding: Finding) -> str:
    """The segment a finding is about, or the one that explains it."""
    if finding.segment is not None:
        return f" where {plain(finding.segment)}"
    told = finding.detail.get("segment")
    return f"; {plain(str(told), 120)}" if told else ""


def figure(finding: Finding) -> str:
    """`KS 0.61`, `mean shift +0.5 sd`, `relation lost 93%`."""
    detector = entry_of(finding.detector)
    if detector is None:
        return f"{plain(finding.detector)} {number(finding.statistic)}"
    return f"{detector.title} {detector.unit.show(float('nan') if finding.statistic is None else finding.statistic)}"


def subjects_of(found: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.subject for finding in found))


def others(subjects: tuple[str, ...], one: str, many: str) -> str:
    rest = subjects[1:]
    if not rest:
        return ""
    named = ", ".join(plain(name) for name in rest[:3]) + (", …" if len(rest) > 3 else "")
    return f"; and {len(rest)} more {one if len(rest) == 1 else many}: {named}"


def number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3g}"


def age(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def span(finding: Finding) -> str:
    return f"{finding.window.start:%Y-%m-%d %H:%M} to {finding.window.end:%Y-%m-%d %H:%M} UTC"


def plain(name: str, longest: int = LONGEST_NAME) -> str:
    """A name on one line without control characters, shortened: what may stand in a sentence."""
    text = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
