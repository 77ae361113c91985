"""Statistics of what a model saw and said: pure functions over integer counts on a grid.

In: Arrow tables and plain arrays. Out: grids, profiles, statistics, findings judged and diagnosed. Kept: nothing.

>>> import pyarrow as pa
>>> from detectors import Grid, psi
>>> grid = Grid.fit(pa.table({"x": range(1000)}))
>>> reference = grid.profile(pa.table({"x": range(1000)}))
>>> production = grid.profile(pa.table({"x": range(500, 1000)}))
>>> psi(reference, production).value.round(2)
array([2.63])
"""

from detectors.bins import psi_bins
from detectors.chi_squared import chi_squared, chi_squared_exact
from detectors.columns import Column, ColumnKind, Excluded, Role
from detectors.diagnosis import diagnose
from detectors.domain_classifier import domain_classifier
from detectors.grid import Grid
from detectors.hellinger import hellinger, hellinger_exact
from detectors.joint import Contribution, JointStatistic
from detectors.js import js, js_exact
from detectors.ks import ks, ks_exact
from detectors.l_infinity import l_infinity, l_infinity_exact
from detectors.multivariate import JointModel
from detectors.pca_reconstruction import pca_reconstruction
from detectors.performance import MEASURES, Measure, Measured, measure
from detectors.prediction import class_rate, mean_shift, spread_shift
from detectors.profile import Profile
from detectors.psi import psi, psi_exact
from detectors.quality import missing, non_finite, out_of_range, type_change, unseen, vanished
from detectors.registry import DETECTOR_NAMES, DETECTORS, JOINT, Detector, JointDetector, Unit, entry_of
from detectors.result import DetectorError, Finding, Judgement, Kind, Severity, Statistic, Status, Window
from detectors.rounding import rounding
from detectors.sample import Sample, SampleRule, take
from detectors.scaler_mismatch import scaler_mismatch
from detectors.score import confidence_shift, entropy_shift, near_threshold
from detectors.stuck import spike, stuck
from detectors.threshold import FixedRule, PerformanceJudgement, PerformanceRule, ThresholdRule
from detectors.total_variation import total_variation, total_variation_exact
from detectors.trouble import Diagnosis, Trouble
from detectors.unit_change import unit_change
from detectors.view import Category, ColumnProfile, Histogram
from detectors.volume import freshness, volume
from detectors.wasserstein import wasserstein, wasserstein_exact

__all__ = [
    "DETECTORS",
    "DETECTOR_NAMES",
    "JOINT",
    "MEASURES",
    "Category",
    "Column",
    "ColumnKind",
    "ColumnProfile",
    "Contribution",
    "Detector",
    "DetectorError",
    "Diagnosis",
    "Excluded",
    "Finding",
    "FixedRule",
    "Grid",
    "Histogram",
    "JointDetector",
    "JointModel",
    "JointStatistic",
    "Judgement",
    "Kind",
    "Measure",
    "Measured",
    "PerformanceJudgement",
    "PerformanceRule",
    "Profile",
    "Role",
    "Sample",
    "SampleRule",
    "Severity",
    "Statistic",
    "Status",
    "ThresholdRule",
    "Trouble",
    "Unit",
    "Window",
    "chi_squared",
    "chi_squared_exact",
    "class_rate",
    "confidence_shift",
    "diagnose",
    "domain_classifier",
    "entropy_shift",
    "entry_of",
    "freshness",
    "hellinger",
    "hellinger_exact",
    "js",
    "js_exact",
    "ks",
    "ks_exact",
    "l_infinity",
    "l_infinity_exact",
    "mean_shift",
    "measure",
    "missing",
    "near_threshold",
    "non_finite",
    "out_of_range",
    "pca_reconstruction",
    "psi",
    "psi_bins",
    "psi_exact",
    "rounding",
    "scaler_mismatch",
    "spike",
    "spread_shift",
    "stuck",
    "take",
    "total_variation",
    "total_variation_exact",
    "type_change",
    "unit_change",
    "unseen",
    "vanished",
    "volume",
    "wasserstein",
    "wasserstein_exact",
]
