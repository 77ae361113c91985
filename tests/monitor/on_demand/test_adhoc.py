"""Two files compared with no config at all: KS and PSI as other people's code has them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.result import DetectorError, Finding, Status
from monitor.on_demand.adhoc import compare_tables
from tests.support.flow import START
from tests.support.tables import (
    CATEGORIES,
    NUMBERS,
    counts_between,
    counts_of,
    finite,
    ks_of,
    psi_of,
    random_table,
)


def compare(reference: pa.Table, production: pa.Table) -> dict[tuple[str, str], Finding]:
    return {(one.subject, one.detector): one for one in compare_tables(reference, production, "p", START).findings}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 4000), st.integers(30, 4000), st.sampled_from([0.0, 0.2, 1.0]))
def test_ks_is_scipys_and_psi_is_plain_numpys_on_any_table(seed: int, n: int, m: int, moved: float) -> None:
    reference, production = random_table(seed, n), random_table(seed + 1, m, moved)
    found = compare(reference, production)
    for name in NUMBERS:
        one = found[name, "ks"].statistic
        assert one is not None
        assert abs(one - ks_of(reference, production, name)) <= 1 / 500 + 1e-9, name
        edges = np.array(found[name, "psi"].detail["bins"], dtype=float)
        edges = np.concatenate(([-np.inf], edges[np.isfinite(edges)], [np.inf]))
        sides = [counts_between(finite(table, name), edges) for table in (reference, production)]
        assert found[name, "psi"].statistic == pytest.approx(psi_of(*sides), abs=1e-9), name
    for name in CATEGORIES:
        known = sorted({value for value in reference.column(name).to_pylist() if value is not None})
        sides = [counts_of(table, name, known) for table in (reference, production)]
        assert found[name, "psi"].statistic == pytest.approx(psi_of(*sides), abs=1e-9), name
        assert (name, "ks") not in found


def test_the_same_rows_show_nothing() -> None:
    table = random_table(1, 2000)
    found = compare(table, table)
    assert {one.status for one in found.values()} <= {Status.OK, Status.INSUFFICIENT}
    assert {one.statistic for (_, detector), one in found.items() if detector in ("ks", "psi")} == {0.0}


def test_what_moved_is_found_and_what_did_not_is_not() -> None:
    found = compare(random_table(1, 3000), random_table(2, 3000, 1.0))
    breached = {subject for (subject, _), one in found.items() if one.status is Status.BREACH}
    assert {"skewed", "few", "colour"} <= breached
    assert not {"constant", "many"} & breached


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        (pa.table({"x": pa.array([], pa.float64())}), "no rows"),
        (pa.table({"id": [f"id-{number}" for number in range(500)]}), "near-unique"),
    ],
)
def test_a_reference_of_no_use_is_refused(reference: pa.Table, says: str) -> None:
    with pytest.raises(DetectorError, match=says):
        compare_tables(reference, reference, "p", START)


def test_production_may_lack_columns_and_rows() -> None:
    reference = random_table(1, 500)
    found = compare(reference, reference.drop_columns(["smooth"]))
    assert found["smooth", "vanished"].status is Status.BREACH
    nothing = compare(reference, reference.slice(0, 0))
    assert {one.status for one in nothing.values()} == {Status.INSUFFICIENT}
