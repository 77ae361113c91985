"""Profiles: exact sums in any order, every row accounted for, small and safe as bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import DetectorError, Grid, Profile, Role

INF, NAN = float("inf"), float("nan")
RNG = np.random.default_rng(7)
REFERENCE = pa.table(
    {
        "x": RNG.normal(size=2000),
        "z": np.where(RNG.random(2000) < 0.6, 0.0, RNG.exponential(size=2000)),
        "c": RNG.choice(["a", "b", "c"], 2000),
        "score": RNG.random(2000),
    }
)
GRID = Grid.fit(REFERENCE, resolution=50, roles={"score": Role.SCORE})

NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, INF, -INF, NAN, 1e9, -1e308, 5e-324]))
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.one_of(st.none(), st.sampled_from("abcd<")), NUMBERS), min_size=0, max_size=40
)


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    kinds = (pa.float64(), pa.float64(), pa.string(), pa.float64())
    columns = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=GRID.names)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, ROWS)
def test_merging_is_exact_associative_and_commutative(first: list, second: list, third: list) -> None:
    a, b, c = (GRID.profile(table_of(rows)) for rows in (first, second, third))
    whole = GRID.profile(table_of(first + second + third))
    assert (a + b) + c == whole
    assert a + (b + c) == whole
    assert c + a + b == whole
    assert sum([a, b, c], Profile.empty(GRID)) == whole
    assert whole - c == a + b


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_every_row_is_counted_once_in_every_column(rows: list) -> None:
    profile = GRID.profile(table_of(rows))
    assert (profile.valid + profile.aux.sum(axis=1) == len(rows)).all()
    assert (profile.counts >= 0).all()
    assert Profile.from_bytes(GRID, profile.to_bytes()) == profile


def test_cells_are_right_closed_and_what_fits_none_is_counted_apart() -> None:
    grid = Grid.fit(pa.table({"x": [1.0, 2.0, 3.0]}))
    values = [0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 1e9, None, NAN, INF, -INF]
    seen = grid.profile(pa.table({"x": values})).column("x")
    first, last = seen.column.span
    inside = slice(first + 1, last + 1)
    filled = seen.counts[inside] > 0
    assert seen.column.edges[inside][seen.column.atoms[inside]].tolist() == [1.0, 2.0, 3.0]
    assert seen.counts[inside][filled].tolist() == [1, 1, 1, 1]
    assert seen.column.atoms[inside][filled].tolist() == [True, False, True, True]
    assert (seen.counts[: first + 1].sum(), seen.counts[last + 1 :].sum(), seen.counts[-1]) == (1, 2, 1)
    assert (seen.null, seen.nan, seen.infinite) == (1, 1, 2)
    assert seen.missing_rate == pytest.approx(2 / 11)


def test_a_lost_column_is_absent_and_a_changed_type_is_a_mismatch() -> None:
    profile = GRID.profile(pa.table({"x": ["text", "1.5", None], "c": [1.0, 2.0, NAN]}))
    assert profile.mismatch.tolist() == [2, 0, 0, 0]
    assert profile.null[0] == 1
    assert profile.absent.tolist() == [0, 3, 0, 3]
    assert profile.column("c").counts[-1] == 2
    assert profile.nan[2] == 1


def test_types_that_mean_the_same_are_no_mismatch() -> None:
    grid = Grid.fit(pa.table({"x": [0, 1, 2]}))
    for same in (
        [True, False],
        pa.array([0, 1], pa.int8()),
        pa.array([0.0, 1.0]),
        pa.array([0, 1]).dictionary_encode(),
    ):
        profile = grid.profile(pa.table({"x": same}))
        assert profile.mismatch[0] == 0
        assert profile.valid[0] == 2
    assert grid.profile(pa.table({"x": pa.array([1], pa.timestamp("s"))})).mismatch[0] == 1
    assert grid.profile(pa.table({"x": [[1]]})).mismatch[0] == 1
    assert grid.profile(pa.table({"x": pa.nulls(2)})).null[0] == 2


def test_a_column_without_values_in_the_reference_sees_everything_as_unseen() -> None:
    grid = Grid.fit(pa.table({"x": pa.nulls(10, pa.float64())}))
    seen = grid.profile(pa.table({"x": [1.5, None, NAN]})).column("x")
    assert seen.counts.tolist() == [0, 1]
    assert (seen.null, seen.nan) == (1, 1)


def test_one_column_in_many_chunks_a_slice_or_a_frame_counts_the_same() -> None:
    whole = GRID.profile(REFERENCE)
    chunked = pa.concat_tables([REFERENCE.slice(0, 700), REFERENCE.slice(700, 1), REFERENCE.slice(701)])
    assert GRID.profile(chunked) == whole
    assert sum((GRID.profile(batch) for batch in chunked.to_batches()), Profile.empty(GRID)) == whole
    assert GRID.profile(REFERENCE.to_pandas()) == whole
    with ThreadPoolExecutor(2) as pool:
        assert GRID.profile(REFERENCE, pool) == whole


def test_dictionaries_that_differ_from_chunk_to_chunk_count_by_value() -> None:
    grid = Grid.fit(pa.table({"c": ["a", "b", "b"]}))
    chunks = pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array(["a", None]).dictionary_encode()])
    assert grid.profile(pa.table({"c": chunks})).counts.tolist() == [1, 2, 0, 0]
    assert grid.profile(pd.DataFrame({"c": pd.Categorical(["a", None, "z"])})).column("c").null == 1


def test_a_hundred_thousand_new_strings_are_unseen() -> None:
    grid = Grid.fit(pa.table({"c": ["a", "b"]}))
    profile = grid.profile(pa.table({"c": [f"<script>{i}</script>" for i in range(100_000)]}))
    assert profile.counts.tolist() == [0, 0, 0, 100_000]


def test_html_in_names_and_values_stays_plain_data() -> None:
    grid = Grid.fit(pa.table({"<b>\n*x*": ["<i>&", "<i>&", "\r\n"]}))
    assert grid.profile(pa.table({"<b>\n*x*": ["<i>&"]})).column("<b>\n*x*").categories()[0].label == "<i>&"


def test_moments_of_a_score_are_exact_to_their_unit() -> None:
    rng = np.random.default_rng(3)
    score = rng.beta(2, 5, 5000)
    amount = rng.lognormal(3, 0.5, 5000)
    roles = {"score": Role.SCORE, "amount": Role.PREDICTION}
    grid = Grid.fit(pa.table({"score": score, "amount": amount, "x": amount}), roles=roles)
    mean, spread = grid.profile(
        pa.table({"score": score[:900], "amount": amount[:900] + 5, "x": amount[:900]})
    ).moments()
    low, high = grid.ranges
    assert (low[0], high[0]) == (0.0, 1.0)
    assert mean[0] == pytest.approx(score[:900].mean(), abs=2**-21)
    assert spread[0] == pytest.approx(score[:900].std(), abs=2**-15)
    assert mean[1] == pytest.approx(amount[:900].mean() + 5, abs=(high[1] - low[1]) / 2**21)
    assert spread[1] == pytest.approx(amount[:900].std(), rel=1e-3)
    assert np.isnan(mean[2])


def test_a_constant_output_has_a_mean_that_can_move() -> None:
    grid = Grid.fit(pa.table({"p": [5.0] * 50}), roles={"p": Role.PREDICTION})
    assert grid.profile(pa.table({"p": [5.0, 5.0]})).moments()[0][0] == 5.0
    assert grid.profile(pa.table({"p": [7.0, 7.0]})).moments()[0][0] == pytest.approx(7.0, abs=1e-4)


def test_one_absurd_value_leaves_the_mean_of_an_output_where_it_was() -> None:
    values = np.random.default_rng(5).normal(size=100_000)
    clean = Grid.fit(pa.table({"p": values}), roles={"p": Role.PREDICTION})
    spoilt_values = np.append(values, 1e9)
    spoilt = Grid.fit(pa.table({"p": spoilt_values}), roles={"p": Role.PREDICTION})
    before = clean.profile(pa.table({"p": values})).moments()
    for grid in (clean, spoilt):
        after = grid.profile(pa.table({"p": spoilt_values})).moments()
        assert after[0][0] == pytest.approx(before[0][0], abs=1 / 500)
        assert after[1][0] == pytest.approx(before[1][0], abs=1 / 300)


def test_profiles_of_two_grids_do_not_add_up() -> None:
    other = Grid.fit(REFERENCE, resolution=20)
    with pytest.raises(DetectorError, match="two grids"):
        GRID.profile(REFERENCE) + other.profile(REFERENCE)
    with pytest.raises(DetectorError, match="another grid"):
        Profile.from_bytes(other, GRID.profile(REFERENCE).to_bytes())
    with pytest.raises(DetectorError, match="taken out"):
        Profile.empty(GRID) - GRID.profile(REFERENCE)
    with pytest.raises(TypeError):
        GRID.profile(REFERENCE) + 1


def test_an_equal_grid_from_elsewhere_adds_up() -> None:
    twin = Grid.from_bytes(GRID.to_bytes())
    assert (GRID.profile(REFERENCE) + twin.profile(REFERENCE)).rows == 4000


def test_fifty_features_take_a_few_kilobytes_an_hour() -> None:
    rng = np.random.default_rng(11)
    grid = Grid.fit(pa.table({f"f{i}": rng.normal(size=10_000) for i in range(50)}))
    sizes = []
    for rows in (1000, 10_000):
        hour = pa.table({f"f{i}": rng.normal(size=rows) for i in range(50)})
        sizes.append(len(grid.profile(hour).to_bytes()))
    assert sizes[0] < 12_000
    assert sizes[1] < 16_000
    assert len(Profile.empty(grid).to_bytes()) < 200


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_profile_bytes_are_refused_or_harmless(data: st.DataObject) -> None:
    plain = GRID.profile(REFERENCE.slice(0, 300)).to_bytes()
    place = data.draw(st.integers(0, len(plain) - 1))
    damaged = bytearray(plain)
    damaged[place] ^= data.draw(st.integers(1, 255))
    for candidate in (bytes(damaged), plain[:place], plain + b"tail"):
        try:
            profile = Profile.from_bytes(GRID, candidate)
        except DetectorError:
            continue
        assert (profile.valid + profile.aux.sum(axis=1) == profile.rows).all()


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    with pytest.raises(DetectorError, match="2 columns"):
        GRID.profile(twice)
