"""One comparison of two tables as a report, a JSON document or a table of figures.

In: `Compared`. Out: `ComparisonReport`, and files. Kept: nothing but the file asked for, replaced whole.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from detectors.result import Finding, Kind, Status, iso
from monitor.on_demand.adhoc import Compared
from monitor.reporting import pictures
from monitor.reporting.ranking import change_in_words, excess, ranked, worth_showing
from reports import comparison_words
from reports.comparison import ComparisonReport, Side
from reports.comparison_pages import render_comparison
from reports.context import FeatureDrift, FindingRow
from reports.errors import ReportError
from reports.wording import plain

SUFFIXES = (".html", ".json", ".csv")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_of(compared: Compared, names: tuple[str, str] | None = None) -> ComparisonReport:
    """What a comparison's report shows; `names` are those of the reference and of production, where they have any."""
    reference, production = names or ("", "")
    findings = compared.findings
    quality = sorted(
        (finding for finding in findings if finding.kind is Kind.QUALITY and worth_showing(finding)),
        key=lambda finding: (finding.status is not Status.BREACH, -excess(finding)),
    )
    drift = [finding for finding in findings if finding.kind is not Kind.QUALITY]
    return ComparisonReport(
        title=f"{production} against {reference}" if names else "Production against reference",
        reference=Side(compared.reference.rows, reference),
        production=Side(compared.production.rows, production),
        generated_at=compared.at,
        program=f"driftline {compared.program}",
        minimum_rows=compared.minimum_rows,
        columns=len(compared.reference.grid),
        quality=tuple(pictures.quality_row(finding) for finding in quality),
        features=tuple(_feature(compared, subject, found) for subject, found in ranked(drift)),
        findings=tuple(FindingRow(f.subject, f.kind.value, pictures.figure(f)) for f in findings),
        left_out=compared.left_out,
    )


def _feature(compared: Compared, subject: str, findings: Sequence[Finding]) -> FeatureDrift:
    sides = compared.reference, compared.production
    return FeatureDrift(
        subject,
        tuple(pictures.figure(finding) for finding in findings),
        change_in_words(*sides, subject),
        pictures.distribution(*sides, subject),
    )


def rows(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """One row a finding, as data frames and CSV files have it."""
    return [
        {
            "column": finding.subject,
            "check": finding.detector,
            "statistic": finding.statistic,
            "pvalue": finding.pvalue,
            "threshold": finding.threshold,
            "effect": finding.effect,
            "status": finding.status.value,
            "n": finding.n,
            "before": finding.detail.get("before"),
            "after": finding.detail.get("after"),
        }
        for finding in findings
    ]


def check_path(path: Path) -> None:
    """Refuse a file that `save` could not write, before anything is computed. Raises ReportError."""
    if path.suffix.lower() not in SUFFIXES:
        kinds = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ReportError(f"{plain(path.name, 80)}: end the file's name in {kinds} to say what is wanted")
    if path.is_dir():
        raise ReportError(f"{path} is a folder")
    if not path.parent.is_dir():
        raise ReportError(f"there is no folder {path.parent}")


def save(compared: Compared, path: Path, names: tuple[str, str] | None = None) -> None:
    """Write the comparison to `path`: a report for `.html`, every figure for `.json` and `.csv`. Raises ReportError."""
    check_path(path)
    kind = path.suffix.lower()
    if kind == ".csv":
        text = _csv(compared)
    else:
        report = report_of(compared, names)
        text = render_comparison(report) if kind == ".html" else _json(compared, report)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)


def _json(compared: Compared, report: ComparisonReport) -> str:
    document = {
        "type": "comparison",
        "program": compared.program,
        "at": iso(compared.at),
        "state": report.state.value,
        "verdict": comparison_words.verdict(report),
        "reference": {"name": report.reference.name, "rows": report.reference.rows},
        "production": {"name": report.production.name, "rows": report.production.rows},
        "columns": report.columns,
        "broken": list(dict.fromkeys(row.subject for row in report.broken)),
        "drifted": [feature.name for feature in report.drifted],
        "left_out": [{"column": column, "reason": reason} for column, reason in report.left_out],
        "findings": [finding.to_json() for finding in compared.findings],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _csv(compared: Compared) -> str:
    """The rows, with an apostrophe before text from data that a spreadsheet would take for a formula and run."""
    found = rows(compared.findings)
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(found[0]) if found else ["column"], lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return out.getvalue()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
