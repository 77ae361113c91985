"""A small model of a model: what it predicts, from the bins of its features.

In: rows of the reference as codes on a grid, and what was predicted for them. Out: a frozen `Surrogate`, which goes to
bytes and back without pickle. Kept: nothing.

The sum of one effect a column and of the strongest pairs' effects, on a few bins a column (a generalized additive model
with pairwise interactions: Lou, Caruana, Gehrke & Hooker 2013), fitted by backfitting with shrinkage. It is no tree
ensemble on purpose: of a sum of such effects the Shapley values of a change of the mean are known in closed form
(`attribution.py`), exactly and in milliseconds, and it is stored as plain arrays.

How well it stands for the model is told by `fit`, the share of the prediction's variance it explains on reference rows
it has not seen (every fifth).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from detectors import codec
from detectors.association import groups_of
from detectors.binning import PAIR_BINS, BinArray, Cuts
from detectors.columns import Role
from detectors.grid import Grid
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.sample import CellArray

FEWEST_ROWS = 200
_MAGIC = b"DLW\x01"
_SHRINK, _SWEEPS, _MORE_SWEEPS = 5.0, 10, 5
_PAIRS_A_COLUMN, _MOST_PAIRS, _SCREENING_BINS = 3, 60, 8
_SCREENED_ROWS, _MOST_SCREENED = 20_000, 40


@dataclass(frozen=True, slots=True, eq=False)
class _Sum:
    """What is added up: the mean, an effect a column, a table a pair (shapes as in `Surrogate`)."""

    cuts: tuple[Cuts, ...]
    mean: float
    effects: tuple[FloatArray, ...]
    pairs: tuple[tuple[int, int], ...]
    tables: tuple[FloatArray, ...]

    def predict(self, bins: BinArray) -> FloatArray:
        said = np.full(len(bins), self.mean)
        columns = _columns(bins)
        for column, effect in zip(columns, self.effects, strict=True):
            said += effect[column]
        for key, table in zip(_keys(self.cuts, columns, self.pairs), self.tables, strict=True):
            said += table.reshape(-1)[key]
        return said

    def explained(self, bins: BinArray, target: FloatArray) -> float:
        """The share of the target's variance that it explains."""
        variance = float(target.var())
        if not variance:
            return 0.0
        left = target - self.predict(bins)
        return max(0.0, 1.0 - float((left**2).mean()) / variance)

    def importance(self, shares: Sequence[FloatArray], pair_shares: Sequence[FloatArray]) -> FloatArray:
        """The variance of each column's effect over the reference, with half of its pairs', as shares of the whole."""

        def variance(effect: FloatArray, share: FloatArray) -> float:
            return float((share * effect**2).sum() - (share * effect).sum() ** 2)

        found = np.array([variance(effect, share) for effect, share in zip(self.effects, shares, strict=True)])
        for (a, b), table, share in zip(self.pairs, self.tables, pair_shares, strict=True):
            half = 0.5 * variance(table, share)
            found[a] += half
            found[b] += half
        total = float(found.sum())
        return found / total if total > 0.0 else np.full(len(found), 1.0 / len(found))


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """What a model predicts, by bins of its features.

    `effects[j]`, shape (bins of j,), and `tables[p]`, shape (wide bins of a, wide bins of b) for `pairs[p]` = (a, b),
    add to `mean`. `shares[j]` and `pair_shares[p]`, of the same shapes, are the shares of the reference's rows.
    `importance`, shape (features,): each feature's part of the prediction's variability; it sums to 1. `groups`: the
    features that go together, each feature in one. `rows` were fitted; `fit` is the share of variance explained on
    others.
    """

    grid_id: str
    cuts: tuple[Cuts, ...]
    mean: float
    effects: tuple[FloatArray, ...]
    pairs: tuple[tuple[int, int], ...]
    tables: tuple[FloatArray, ...]
    shares: tuple[FloatArray, ...]
    pair_shares: tuple[FloatArray, ...]
    importance: FloatArray
    groups: tuple[tuple[int, ...], ...]
    rows: int
    fit: float

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the grid's order."""
        return tuple(cuts.name for cuts in self.cuts)

    @classmethod
    def of(cls, grid: Grid, cells: CellArray, predicted: FloatArray) -> Surrogate:
        """Fit on reference rows: `cells` (rows, columns of the grid), `predicted` (rows,), NaN where there is none.

        The rows' order is of no consequence but for which fifth is held out. Raises DetectorError for fewer than 200
        usable rows, no feature, or a prediction that never varies.
        """
        usable = np.isfinite(predicted)
        cells, target = cells[usable], predicted[usable].astype(np.float64)
        features = [index for index, column in enumerate(grid.columns) if column.role is Role.FEATURE]
        if len(target) < FEWEST_ROWS or not features:
            raise DetectorError(f"{len(target)} predictions on {len(features)} features: {FEWEST_ROWS} rows are needed")
        if float(np.ptp(target)) == 0.0:
            raise DetectorError("the prediction is the same for every row of the reference")
        cuts = tuple(Cuts.of(grid.columns[index], cells[:, index]) for index in features)
        bins = np.stack([cut.bins_of(cells[:, index]) for cut, index in zip(cuts, features, strict=True)], axis=1)
        held = np.arange(len(target)) % 5 == 4
        fitted = _fitted(cuts, bins[~held], target[~held])
        shares = [np.bincount(bins[:, j], minlength=cut.bins) / len(bins) for j, cut in enumerate(cuts)]
        pair_shares = [
            (np.bincount(key, minlength=table.size) / len(bins)).reshape(table.shape)
            for key, table in zip(_keys(cuts, _columns(bins), fitted.pairs), fitted.tables, strict=True)
        ]
        return cls(
            grid.id,
            cuts,
            fitted.mean,
            fitted.effects,
            fitted.pairs,
            fitted.tables,
            _rounded(shares),
            _rounded(pair_shares),
            fitted.importance(shares, pair_shares),
            groups_of(cuts, bins),
            len(target),
            fitted.explained(bins[held], target[held]),
        )

    def bins_of(self, grid: Grid, cells: CellArray) -> BinArray:
        """The bins of rows, shape (rows, features). Raises DetectorError for rows of another grid."""
        if grid.id != self.grid_id:
            raise DetectorError(f"the rows are of another grid than {self.grid_id}")
        return np.stack([cut.bins_of(cells[:, grid.index(cut.name)]) for cut in self.cuts], axis=1)

    def predict(self, bins: BinArray) -> FloatArray:
        """What it says of rows, shape (rows,)."""
        return _Sum(self.cuts, self.mean, self.effects, self.pairs, self.tables).predict(bins)

    def to_bytes(self) -> bytes:
        """Compressed bytes that `from_bytes` turns into the same surrogate. Codes of cells, no values, are in them."""
        meta = {
            "grid": self.grid_id,
            "cuts": [[cut.name, cut.number, list(cut.places)] for cut in self.cuts],
            "mean": self.mean,
            "pairs": [list(pair) for pair in self.pairs],
            "groups": [list(group) for group in self.groups],
            "importance": [float(each) for each in self.importance],
            "rows": self.rows,
            "fit": self.fit,
        }
        arrays = [*self.effects, *self.tables, *self.shares, *self.pair_shares]
        return codec.encode_arrays(_MAGIC, meta, [array.astype(np.float32) for array in arrays])

    @classmethod
    def from_bytes(cls, data: bytes) -> Surrogate:
        """The surrogate of `to_bytes`. Raises DetectorError for anything else."""
        meta, arrays = codec.decode_arrays(_MAGIC, data)
        try:
            cuts = tuple(Cuts(str(n), bool(k), tuple(int(p) for p in places)) for n, k, places in meta["cuts"])
            pairs = tuple((int(a), int(b)) for a, b in meta["pairs"])
            groups = tuple(tuple(int(each) for each in group) for group in meta["groups"])
            importance = np.array(meta["importance"], dtype=np.float64)
            facts = str(meta["grid"]), float(meta["mean"]), int(meta["rows"]), float(meta["fit"])
        except (KeyError, TypeError, ValueError) as error:
            raise DetectorError(f"stored surrogate is damaged: {error}") from error
        single, double = len(cuts), len(pairs)
        wide = [int(cut.folded(PAIR_BINS)[-1]) + 1 for cut in cuts]
        expected = [(cut.bins,) for cut in cuts] + [(wide[a], wide[b]) for a, b in pairs]
        members = sorted(each for group in groups for each in group)
        if [array.shape for array in arrays] != [*expected, *expected] or members != list(range(single)):
            raise DetectorError("stored surrogate is damaged: its parts do not fit each other")
        plain = [array.astype(np.float64) for array in arrays]
        half = single + double
        return cls(
            facts[0],
            cuts,
            facts[1],
            tuple(plain[:single]),
            pairs,
            tuple(plain[single:half]),
            tuple(plain[half : half + single]),
            tuple(plain[half + single :]),
            importance,
            groups,
            facts[2],
            facts[3],
        )


def _rounded(arrays: list[FloatArray]) -> tuple[FloatArray, ...]:
    """As they are stored, so that what is told now is told again from what was stored."""
    return tuple(array.astype(np.float32).astype(np.float64) for array in arrays)


def _columns(bins: BinArray) -> list[IntArray]:
    """The bins of each column, shape (rows,), as indices."""
    return [column.astype(np.intp) for column in np.ascontiguousarray(bins.T)]


def _keys(cuts: tuple[Cuts, ...], columns: list[IntArray], pairs: tuple[tuple[int, int], ...]) -> Iterator[IntArray]:
    """For each pair the place of every row in its table, row by row."""
    folds = [cut.folded(PAIR_BINS) for cut in cuts]
    for a, b in pairs:
        yield folds[a][columns[a]] * (int(folds[b][-1]) + 1) + folds[b][columns[b]]


def _fitted(cuts: tuple[Cuts, ...], bins: BinArray, target: FloatArray) -> _Sum:
    """Backfitting (Buja, Hastie & Tibshirani 1989): each effect in turn takes what the others leave."""
    columns = _columns(bins)
    mean = float(target.mean())
    left = target - mean
    effects = [np.zeros(cut.bins) for cut in cuts]
    counts = [np.bincount(column, minlength=cut.bins) for column, cut in zip(columns, cuts, strict=True)]

    def sweep(keys: list[IntArray], held: list[IntArray], found: list[FloatArray]) -> None:
        for key, count, effect in zip(keys, held, found, strict=True):
            sums = np.bincount(key, weights=left, minlength=len(effect))
            step = (sums + count * effect) / (count + _SHRINK) - effect
            effect += step
            left[:] -= step[key]

    for _ in range(_SWEEPS):
        sweep(columns, counts, effects)
    pairs = _strongest(cuts, columns, left, effects, counts)
    sizes = [int(cut.folded(PAIR_BINS)[-1]) + 1 for cut in cuts]
    keys = list(_keys(cuts, columns, pairs))
    tables = [np.zeros(sizes[a] * sizes[b]) for a, b in pairs]
    held = [np.bincount(key, minlength=len(table)) for key, table in zip(keys, tables, strict=True)]
    for _ in range(_MORE_SWEEPS if pairs else 0):
        sweep(keys, held, tables)
        sweep(columns, counts, effects)
    shaped = [table.reshape(sizes[a], sizes[b]) for table, (a, b) in zip(tables, pairs, strict=True)]
    return _Sum(cuts, mean, _rounded(effects), pairs, _rounded(shaped))


def _strongest(
    cuts: tuple[Cuts, ...],
    columns: list[IntArray],
    left: FloatArray,
    effects: list[FloatArray],
    counts: list[IntArray],
) -> tuple[tuple[int, int], ...]:
    """The pairs of columns whose table would take most of what is left beyond chance (FAST, Lou et al. 2013)."""
    weight = [float(count @ effect**2) for count, effect in zip(counts, effects, strict=True)]
    # Of very many columns the pairs of those that matter: a pair without an effect of either is rare.
    looked = sorted(np.argsort(-np.array(weight), kind="stable")[:_MOST_SCREENED].tolist())
    step = max(1, len(left) // _SCREENED_ROWS)
    some = left[::step]
    folds = {j: cuts[j].folded(_SCREENING_BINS) for j in looked}
    coarse = {j: folds[j][columns[j][::step]] for j in looked}
    noise = float(some.var())
    gains = []
    for a, b in combinations(looked, 2):
        size = int(folds[b][-1]) + 1
        key = coarse[a] * size + coarse[b]
        sums, held = np.bincount(key, weights=some), np.bincount(key)
        gain = float((sums**2 / (held + _SHRINK)).sum()) - noise * int((held > 0).sum())
        if gain > 0.0:
            gains.append((-gain, a, b))
    most = min(_MOST_PAIRS, _PAIRS_A_COLUMN * len(cuts))
    return tuple((a, b) for _, a, b in sorted(gains)[:most])
