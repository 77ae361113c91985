"""The measures that are estimated without labels: what they are called, and how much worse is too much.

In: nothing. Out: `ESTIMATED`, one literal dict. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "estimated_"
CONCEPT_DRIFT = "concept_drift"
"""The finding that labels are not what was estimated: realised minus estimated."""
SWITCH = "estimated_performance"
"""The name that switches all estimates off in a config."""


@dataclass(frozen=True, slots=True)
class EstimatedMeasure:
    """A measure estimated without labels. `realised` is its name where labels are read.

    `tolerance` is how much worse than on the baseline is too much, as a share of the baseline's value where `relative`;
    None where it is told and never judged.
    """

    name: str
    title: str
    higher_is_better: bool
    realised: str
    help: str
    tolerance: float | None = None
    relative: bool = False


def _named(*measures: EstimatedMeasure) -> dict[str, EstimatedMeasure]:
    return {measure.name: measure for measure in measures}


ESTIMATED: dict[str, EstimatedMeasure] = _named(
    EstimatedMeasure("estimated_roc_auc", "estimated AUC", True, "auc", "ranking of positives above negatives", 0.05),
    EstimatedMeasure("estimated_average_precision", "estimated PR AUC", True, "pr_auc", "precision over all recalls"),
    EstimatedMeasure("estimated_f1", "estimated F1", True, "f1", "harmonic mean of precision and recall"),
    EstimatedMeasure("estimated_precision", "estimated precision", True, "precision", "share of alarms that are right"),
    EstimatedMeasure("estimated_recall", "estimated recall", True, "recall", "share of positives that are found"),
    EstimatedMeasure("estimated_accuracy", "estimated accuracy", True, "accuracy", "share of right classes", 0.05),
    EstimatedMeasure("estimated_macro_f1", "estimated macro F1", True, "macro_f1", "mean of the classes' F1"),
    EstimatedMeasure(
        "estimated_log_loss", "estimated log loss", False, "log_loss", "fit of the probabilities", 0.15, relative=True
    ),
    EstimatedMeasure("estimated_brier", "estimated Brier score", False, "brier", "squared error of the probabilities"),
    EstimatedMeasure("estimated_positives", "estimated rate of positives", False, "rate", "how common positives are"),
    EstimatedMeasure("estimated_mae", "estimated mean absolute error", False, "mae", "size of errors", 0.2, True),
    EstimatedMeasure("estimated_rmse", "estimated RMSE", False, "rmse", "size of errors, large ones more", 0.2, True),
)
