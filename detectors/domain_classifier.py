"""The joint distribution of a window, told from rows whose columns do not belong together.

In: a `JointModel` and a window's sample. Out: a `JointStatistic`: the largest share a column has lost of its relation
with the other columns. Kept: nothing.

Not the textbook's domain classifier: trained to tell a day's rows from the reference's, that one finds every real day
different (AUC 0.9 to 1 on healthy flights: a day has its own weather), and a broken day no more so. The two domains
here are rows *as they are* and rows with one column *shuffled within the window*. What tells them apart best is how
well the column's value fits the rest of its row; linear discriminants (ridge regressions of ranks and indicators on
all other columns) say what would fit, and their correlation with what is there is 1 where a column follows from the
others and 0 where it was shuffled. Two questions are put to every column:

- does it follow from the others as it did in the reference (coefficients frozen with the baseline);
- does it follow from them at all (coefficients adapted within the window, and tested on rows left out).

Each correlation is held against those of the reference's days, each by a model of the other days. Only relations
are watched whose loss by half would be significant: others can say nothing.
"""

from __future__ import annotations

import numpy as np

from detectors.day_null import p_lower
from detectors.joint import Contribution, JointStatistic, insufficient
from detectors.multivariate import JointModel
from detectors.relations import any_relation, same_relation
from detectors.result import FloatArray
from detectors.sample import Sample

ALPHA = 0.01
_HALF = 0.5


def domain_classifier(model: JointModel, sample: Sample) -> JointStatistic:
    """The largest share of its relation a column has lost, 0 to 1, with a p-value over all columns (Bonferroni).

    The p-value takes days as the unit. A column that hardly varies in the window is not judged, nor one that relies
    on such a column. Insufficient: too few rows, or no relation that could be watched. Raises DetectorError for a
    sample of another grid.
    """
    rows = model.encode(sample)
    if isinstance(rows, str):
        return insufficient(sample.rows, rows)
    days = np.stack((model.same, model.any), axis=1).astype(np.float64)
    usual = np.nanmean(np.where(np.isnan(days).all(axis=0), 0.0, days), axis=0)
    watched = watchable(days, usual)
    if not watched.any():
        return insufficient(sample.rows, "no column follows from the others well enough to be watched")
    reference = model.reference.astype(np.float64)
    now = np.stack((same_relation(model.encoding, rows, reference), any_relation(model.encoding, rows, reference)))
    now[:, model.unjudged(rows)] = np.nan
    tested = watched & ~np.isnan(now)
    if not tested.any():
        return insufficient(sample.rows, "the columns whose relations are watched do not vary in this window")
    pvalue = np.where(tested, p_lower(_even(days), _even(now)), np.nan)
    lost = np.where(tested, np.maximum(1.0 - now / np.where(watched, usual, 1.0), 0.0), -1.0)
    tests = int(watched.sum())
    worst, columns = lost.argmax(axis=0), np.arange(len(model.names))
    share, single = lost[worst, columns], pvalue[worst, columns]
    # What is certain comes first: a large share of a loose relation may be chance, and must not hide it.
    order = np.lexsort((-share, single * tests > ALPHA))
    found = [
        Contribution(model.names[i], min(1.0, float(share[i])), float(single[i])) for i in order if share[i] >= 0.0
    ]
    behind = tuple(each for each in found if each.share > 0.0)
    return JointStatistic(found[0].share, min(1.0, found[0].pvalue * tests), sample.rows, behind)


def watchable(days: FloatArray, usual: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which relations, shape (2, features), could be found broken: half of `usual` lost would be significant.

    By the reference's days alone, so that choosing them costs no false alarms; at 0.01 over all relations there are.
    """
    half = p_lower(_even(days), _even(_HALF * usual))
    return (usual > 0.0) & (half <= ALPHA / half.size)


def _even(relation: FloatArray) -> FloatArray:
    """Correlations on a scale on which their spread depends less on their size: the arc sine."""
    return np.arcsin(np.clip(relation, -1.0, 1.0))
