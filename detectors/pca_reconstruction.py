"""How badly the reference's principal components give back a window's rows.

In: a `JointModel` and a window's sample. Out: a `JointStatistic`: the reconstruction error beyond the usual. Kept:
nothing.

Columns are ranked within the window and scaled by their own variance, so that only how they go together counts. Against
the days of the reference, each by the components of the other days. It sees linear relations shared by many columns;
a single column that lost its relation moves it little where days differ among themselves: `domain_classifier` is the
sharper of the two.
"""

from __future__ import annotations

import numpy as np

from detectors.day_null import p_lower
from detectors.joint import Contribution, JointStatistic, insufficient
from detectors.multivariate import JointModel
from detectors.pca import column_errors
from detectors.sample import Sample

_LEAST = 1e-4
# A column that varies on few days (rain) has too few errors to say what is usual.
_MOST_DAYS = 0.75


def pca_reconstruction(model: JointModel, sample: Sample) -> JointStatistic:
    """The rise of the mean reconstruction error over its usual value: 0.1 is a tenth more than usual.

    The error is the share of variance not given back, averaged over the columns that vary in the window. The p-value
    is one-sided, of the log of the error, and takes days as the unit. Contributions: each column's own rise, in the
    same unit. Insufficient: too few rows, or columns that do not vary. Raises DetectorError for another grid.
    """
    rows = model.encode(sample)
    if isinstance(rows, str):
        return insufficient(sample.rows, rows)
    days = model.errors.astype(np.float64)
    known = ~model.unjudged(rows) & ((~np.isnan(days)).mean(axis=0) >= _MOST_DAYS)
    if known.sum() < 2:
        return insufficient(sample.rows, "fewer than two columns vary in this window")
    # Nothing is given back to the last bit; a floor keeps logarithms finite.
    now = np.maximum(column_errors(model.encoding, rows, model.components.astype(np.float64))[known], _LEAST)
    past = np.maximum(days[:, known], _LEAST)
    usual = np.nanmean(past, axis=0)
    # A day on which a column did not vary says of it what days say on average.
    totals = np.where(np.isnan(past), usual, past).mean(axis=1)
    rise = float(now.mean() / totals.mean() - 1.0)
    pvalue = float(p_lower(-np.log(totals), -np.log(now.mean())))
    single = p_lower(-np.log(past), -np.log(now))
    shares = (now - usual) / usual.sum()
    names = np.array(model.names)[known]
    order = np.argsort(-shares, kind="stable")
    found = [Contribution(str(names[i]), float(shares[i]), float(single[i])) for i in order if shares[i] > 0.0]
    return JointStatistic(rise, pvalue, sample.rows, tuple(found))
