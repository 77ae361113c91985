"""Reasons for a change of the mean prediction: exact Shapley values, honest words, silence elsewhere."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pyarrow as pa
import pytest

from detectors import Grid
from detectors.association import _correlations, association, groups_of
from detectors.attribution import Attribution, Term, attribute, weighted
from detectors.because import because, unexplained
from detectors.binning import PAIR_BINS, BinArray
from detectors.result import DetectorError, FloatArray
from detectors.sample import cells_of
from detectors.segment import three_parts
from detectors.surrogate import Surrogate
from detectors.worst_segment import Rows, worst_segment


def table(n: int, seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n) + shift
    return pa.table(
        {
            "a": a,
            "b": rng.normal(size=n),
            "twin": a + 0.1 * rng.normal(size=n),
            "carrier": rng.choice(["AA", "UA", "EV"], n, p=[0.5, 0.3, 0.2]),
            "gap": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.1),
        }
    )


def predicted(rows: pa.Table) -> FloatArray:
    a, b = rows["a"].to_numpy(), rows["b"].to_numpy()
    late = np.array(rows["carrier"].to_pylist()) == "EV"
    return 0.3 + 0.1 * np.tanh(a) + 0.05 * b + 0.1 * late + 0.08 * (b > 0) * (a > 0.5)


def cells(grid: Grid, rows: pa.Table) -> np.ndarray:
    return np.stack([cells_of(c, rows[c.name], rows.num_rows) for c in grid.columns], axis=1)


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid.fit(table(6000, 0))


@pytest.fixture(scope="module")
def surrogate(grid: Grid) -> Surrogate:
    rows = table(6000, 0)
    return Surrogate.of(grid, cells(grid, rows), predicted(rows))


def test_the_surrogate_stands_for_the_model_and_survives_being_stored(grid: Grid, surrogate: Surrogate) -> None:
    assert surrogate.fit > 0.95
    again = Surrogate.from_bytes(surrogate.to_bytes())
    fresh = table(2000, 1)
    bins = surrogate.bins_of(grid, cells(grid, fresh))
    assert np.array_equal(again.predict(bins), surrogate.predict(bins))
    assert np.corrcoef(surrogate.predict(bins), predicted(fresh))[0, 1] > 0.97
    assert again.to_bytes() == surrogate.to_bytes()
    assert surrogate.importance.sum() == pytest.approx(1.0)
    assert surrogate.names[int(np.argmax(surrogate.importance))] in ("a", "twin")
    assert dict(zip(surrogate.names, surrogate.importance, strict=True))["gap"] < 0.02
    with pytest.raises(DetectorError, match=r"damaged|cannot"):
        Surrogate.from_bytes(surrogate.to_bytes()[:-20])
    with pytest.raises(DetectorError, match="another grid"):
        surrogate.bins_of(Grid.fit(table(500, 3)), cells(grid, fresh))


def test_correlated_columns_are_one_group(surrogate: Surrogate, grid: Grid) -> None:
    groups = [tuple(surrogate.names[j] for j in group) for group in surrogate.groups]
    assert ("a", "twin") in groups
    assert ("b",) in groups
    bins = surrogate.bins_of(grid, cells(grid, table(4000, 5)))
    assert association(surrogate.cuts, bins, 0, 1) < 0.1
    assert groups_of(surrogate.cuts, bins) == surrogate.groups


def test_correlations_all_at_once_are_those_of_each_pair(surrogate: Surrogate, grid: Grid) -> None:
    bins = surrogate.bins_of(grid, cells(grid, table(4000, 5)))
    found = _correlations(surrogate.cuts, bins)
    place = {name: number for number, name in enumerate(surrogate.names)}
    for one, two in combinations(("a", "b", "twin"), 2):
        first, second = place[one], place[two]
        assert found[first, second] == pytest.approx(association(surrogate.cuts, bins, first, second), abs=1e-12)
    # Gaps and categories are looked at pair by pair.
    assert np.isnan(found[place["gap"]]).all()
    assert np.isnan(found[place["carrier"]]).all()


def brute_force(surrogate: Surrogate, old: BinArray, new: BinArray) -> FloatArray:
    """Shapley values of each group, by every coalition of every pair of a row then and a row now."""
    players = surrogate.groups
    found = np.zeros(len(players))
    first, second = np.repeat(old, len(new), axis=0), np.tile(new, (len(old), 1))

    def value(coalition: tuple[int, ...]) -> float:
        rows = first.copy()
        for player in coalition:
            rows[:, list(players[player])] = second[:, list(players[player])]
        return float(surrogate.predict(rows).mean())

    everyone = range(len(players))
    for player in everyone:
        others = [each for each in everyone if each != player]
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(players))
            for coalition in combinations(others, size):
                found[player] += weight * (value((*coalition, player)) - value(coalition))
    return found


def test_terms_are_the_shapley_values_of_all_coalitions(grid: Grid, surrogate: Surrogate) -> None:
    old, new = (surrogate.bins_of(grid, cells(grid, table(40, seed, shift))) for seed, shift in ((7, 0.0), (8, 1.0)))
    assert surrogate.pairs  # or the closed form of pairs would not be tested
    expected = brute_force(surrogate, old, new)
    wide = [cut.folded(PAIR_BINS) for cut in surrogate.cuts]
    shares = tuple(np.bincount(old[:, j], minlength=cut.bins) / 40 for j, cut in enumerate(surrogate.cuts))
    joint = []
    for (a, b), each in zip(surrogate.pairs, surrogate.tables, strict=True):
        counts = np.zeros(each.shape)
        np.add.at(counts, (wide[a][old[:, a]], wide[b][old[:, b]]), 1 / 40)
        joint.append(counts)
    small = replace(surrogate, shares=shares, pair_shares=tuple(joint))
    found = attribute(small, new, 0.0, 1.0)
    by_group = {frozenset(term.features): term.points for term in found.terms}
    for group, value in zip(surrogate.groups, expected, strict=True):
        assert by_group[frozenset(surrogate.names[j] for j in group)] == pytest.approx(value, abs=1e-12)
    change = surrogate.predict(new).mean() - surrogate.predict(old).mean()
    assert sum(by_group.values()) == pytest.approx(change, abs=1e-12)
    assert sum(by_group.values()) + found.residual == pytest.approx(1.0, abs=1e-12)


def test_a_shift_is_attributed_to_what_moved_and_said(grid: Grid, surrogate: Surrogate) -> None:
    before, now = predicted(table(6000, 0)), table(4000, 9, shift=1.0)
    bins = surrogate.bins_of(grid, cells(grid, now))
    found = attribute(surrogate, bins, float(before.mean()), float(predicted(now).mean()), stderr=0.003)
    assert set(found.terms[0].features) == {"a", "twin"}
    assert found.terms[0].points == pytest.approx(found.change, rel=0.1)
    assert abs(found.residual) < 0.1 * found.change
    said = because(found, surrogate, grid, bins, "mean score", share=True)
    assert said is not None
    assert said.startswith("a and twin are up; nearly all of the rise in the mean score (+")
    assert said.endswith("is attributed to them")
    assert "caused" not in said


def test_no_change_has_no_reason(grid: Grid, surrogate: Surrogate) -> None:
    now = table(4000, 11)
    bins = surrogate.bins_of(grid, cells(grid, now))
    values = predicted(now)
    error = float(values.std() / np.sqrt(len(values)) * 2**0.5)
    found = attribute(surrogate, bins, float(predicted(table(6000, 0)).mean()), float(values.mean()), error)
    assert because(found, surrogate, grid, bins, "mean score", share=True) is None


def test_what_the_surrogate_does_not_know_is_not_put_on_a_feature(grid: Grid, surrogate: Surrogate) -> None:
    bins = surrogate.bins_of(grid, cells(grid, table(4000, 0)))
    found = attribute(surrogate, bins, 0.3, 0.5, 0.01)
    said = because(found, surrogate, grid, bins, "mean score", share=True)
    assert said == "the mean score rose from 30.0% to 50.0%"
    assert unexplained(found) == "the features do not explain the rise"
    assert unexplained(replace(found, residual=0.13)) == "65% of the rise is not explained by the features"
    assert unexplained(replace(found, residual=-0.13)) == "the features do not explain the rise"
    assert unexplained(replace(found, residual=0.05)) == ""


def test_percentages_only_where_all_parts_share_a_sign() -> None:
    def of(*parts: float, residual: float) -> Attribution:
        terms = tuple(Term((f"f{i}",), part) for i, part in enumerate(parts))
        return Attribution(0.2, 0.2 + sum(parts) + residual, terms, residual, 100, 0.9, ())

    plain = of(0.06, 0.02, residual=0.02)
    assert plain.percent(plain.terms[0]) == pytest.approx(60.0)
    against = of(0.08, -0.03, residual=0.0)
    assert against.percent(against.terms[0]) is None
    assert of(0.0, 0.0, residual=0.0).percent(Term(("f0",), 0.0)) is None


def test_distances_are_weighted_by_importance() -> None:
    assert weighted(np.array([0.9, 0.1]), np.array([0.5, 0.1])) == pytest.approx(0.46)
    assert weighted(np.array([0.5, 0.5]), np.array([0.2, np.nan])) == pytest.approx(0.2)
    assert np.isnan(weighted(np.array([1.0]), np.array([np.nan])))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_parts_add_up_whatever_the_order(order: tuple[int, ...]) -> None:
    place = list(order)
    weights, means = np.array([0.5, 0.3, 0.2])[place], np.array([0.1, 0.2, np.nan])[place]
    now_weights, now_means = np.array([0.2, 0.3, 0.5])[place], np.array([0.1, 0.3, 0.6])[place]
    parts = three_parts(weights, means, now_weights, now_means)
    assert parts.whole == pytest.approx(0.02 + 0.09 + 0.30 - (0.05 + 0.06 + 0.12))
    assert parts.within[place.index(1)] == pytest.approx(0.03)
    assert parts.mix.sum() == pytest.approx(0.41 - 0.23 - 0.03)


def sides(grid: Grid, surrogate: Surrogate, seed: int, effect: float) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(seed)
    found = []
    for days, extra in ((28, 0.0), (7, effect)):
        n = days * 120
        rows = table(n, seed * 2 + days)
        day = np.repeat(np.arange(days), 120)
        hit = (np.array(rows["carrier"].to_pylist()) == "UA") & (rows["b"].to_numpy() > 0)
        values = rng.normal(size=n) + 0.3 * rng.normal(size=days)[day] + extra * hit
        found.append(Rows(surrogate.bins_of(grid, cells(grid, rows)), values, day))
    return found[0], found[1]


def test_the_worst_segment_is_found_and_chance_is_not(grid: Grid, surrogate: Surrogate) -> None:
    worst = worst_segment(surrogate.cuts, *sides(grid, surrogate, 1, 3.0))
    assert worst is not None
    cuts = surrogate.cuts
    labels = [cuts[j].label(grid.columns[grid.index(cuts[j].name)], a, b) for j, a, b in worst.columns]
    assert "carrier = UA" in labels
    assert worst.pvalue <= 0.05
    assert worst.excess > 1.0
    false = sum(worst_segment(surrogate.cuts, *sides(grid, surrogate, seed, 0.0)) is not None for seed in range(2, 22))
    assert false <= 3  # 5% of 20 at most: 4 and more have a chance of 1.6%
