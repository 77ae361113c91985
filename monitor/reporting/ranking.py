"""Which findings matter most, and a column's change in words: the same in every report.

In: findings, profiles. Out: findings by column in reading order; short texts. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectors.profile import Profile
from detectors.result import Finding, Status


def excess(finding: Finding) -> float:
    """The size of a finding as a multiple of its threshold: comparable between detectors."""
    size = finding.effect if finding.effect is not None else finding.statistic
    return abs(size or 0.0) / (finding.threshold or 1.0)


def ranked(
    findings: Sequence[Finding], importance: Mapping[str, float] | None = None
) -> list[tuple[str, list[Finding]]]:
    """Findings by subject, those in breach first, then by size; within a subject likewise.

    With `importance`, a subject's size is weighed by its share of the model's use of its features.
    """
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.subject, []).append(finding)
    for mine in grouped.values():
        mine.sort(key=lambda one: (one.status is not Status.BREACH, -excess(one)))

    def place(item: tuple[str, list[Finding]]) -> tuple[bool, float, float]:
        subject, first = item[0], item[1][0]
        size = excess(first)
        weight = importance.get(subject, 0.0) if importance else 1.0
        return first.status is not Status.BREACH, -size * weight, -size

    return sorted(grouped.items(), key=place)


def worth_showing(finding: Finding) -> bool:
    """Whether a data-quality finding belongs into a table of its own: in breach, or half way to it."""
    return finding.statistic is not None and (finding.status is Status.BREACH or excess(finding) >= 0.5)


def change_in_words(reference: Profile, production: Profile, subject: str) -> str:
    """Medians of numbers, the category that moved most; of a private column only that it is one."""
    before, after = reference.column(subject), production.column(subject)
    if before.private or not before.valid or not after.valid:
        return "private: values are not shown" if before.private else ""
    if len(before.column.edges):
        return f"median {before.quantile(0.5):.4g} → {after.quantile(0.5):.4g}"
    shares = zip(before.shares, after.shares, before.labels(), strict=True)
    old, new, label = max(shares, key=lambda share: abs(share[1] - share[0]))
    return f"{label}: {old:.1%} → {new:.1%}"
