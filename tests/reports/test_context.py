"""The context refuses figures no page could show truthfully."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.context import (
    CategoryDistribution,
    FeatureDrift,
    NumberDistribution,
    Period,
    ReportContext,
    Share,
    Verdict,
)
from reports.errors import ReportError
from tests.support.report_context import empty, weekly

NOON = datetime(2013, 5, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("edges", "reference", "production"),
    [
        ((0.0,), (), ()),
        ((0.0, 1.0, 2.0), (0.5,), (0.5, 0.5)),
        ((0.0, 1.0), (1.0,), (0.5, 0.5)),
        ((0.0, 0.0), (1.0,), (1.0,)),
        ((1.0, 0.0), (1.0,), (1.0,)),
        ((0.0, float("inf")), (1.0,), (1.0,)),
        ((0.0, 1.0), (float("nan"),), (1.0,)),
    ],
)
def test_a_distribution_needs_rising_finite_edges_and_a_share_for_each_bin(
    edges: tuple[float, ...], reference: tuple[float, ...], production: tuple[float, ...]
) -> None:
    with pytest.raises(ReportError):
        NumberDistribution(edges, reference, production)


def test_a_category_share_must_be_finite() -> None:
    with pytest.raises(ReportError):
        CategoryDistribution((Share("a", float("nan"), 0.2),))


def test_a_feature_needs_a_figure() -> None:
    with pytest.raises(ReportError, match="temp"):
        FeatureDrift("temp", ())


def test_a_period_needs_a_zone() -> None:
    with pytest.raises(ReportError):
        Period(NOON.replace(tzinfo=None), NOON)


def test_models_are_counted_by_verdict_most_urgent_first() -> None:
    assert weekly().counts() == (
        (Verdict.NEEDS_YOU, 2),
        (Verdict.WATCH, 2),
        (Verdict.NOT_MONITORED, 1),
        (Verdict.HEALTHY, 8),
    )
    assert [model.name for model in weekly().by_verdict(Verdict.NOT_MONITORED)] == ["gate-change"]
    assert ReportContext.counts(empty()) == tuple((verdict, 0) for verdict in Verdict)
