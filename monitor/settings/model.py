"""How one model is watched: its columns, baseline, horizons, detectors.

In: plain mappings, the defaults under `"*"` merged in. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from detectors.registry import DETECTOR_NAMES
from detectors.result import Severity
from monitor.settings.events import EventSettings
from monitor.settings.log import LabelSettings, LogSettings
from monitor.settings.outcomes import BusinessSettings, MetricSettings, TrainingSettings
from monitor.settings.triggers import TriggerSettings
from monitor.settings.types import Budget, Duration, Mark, Moment, Section, TimeZone, parse_budget


class Columns(Section):
    """Which column plays which part."""

    timestamp: str = Field("timestamp", description="time of the prediction")
    id: str | None = Field(None, description="unique id of the prediction; labels are joined by it")
    version: str | None = Field(None, description="version of the model that served the row")
    preprocessing: str | None = Field(
        None, description="fingerprint or version of the preprocessing, logged beside the model's version"
    )
    score: str | None = Field(None, description="predicted probability of the positive class")
    prediction: str | None = Field(None, description="predicted class or value")
    label: str | None = Field(None, description="the truth, where it is in the same table or import file")
    label_time: str | None = Field(
        None, description="time the label became known, where it is in the same table or file"
    )
    run: str | None = Field(None, description="id of the batch run; set by cadence.run")


class Features(Section):
    """Which columns are watched as features."""

    auto: bool = Field(True, description="watch every column that plays no other part")
    include: tuple[str, ...] = Field((), description="with auto: false, the columns to watch")
    exclude: tuple[str, ...] = Field((), description="columns never read")
    private: tuple[str, ...] = Field((), description="columns whose values are hashed and never shown")


class BaselineSettings(Section):
    """What production is compared with; exactly one of from/to, file, learn, rolling, seasonal."""

    start: Moment | None = Field(None, alias="from", description="first day (or instant) of the reference interval")
    end: Moment | None = Field(None, alias="to", description="day after the last (or instant)")
    file: Annotated[str | None, Mark.PATH] = Field(
        None, description="training file (Parquet, CSV or NDJSON); may hold {version}"
    )
    learn: Duration | None = Field(None, description="learn the baseline from the first days of production")
    rolling: Duration | None = Field(
        None, description="compare with the days before the window; keeps the first as anchor"
    )
    seasonal: Duration | None = Field(None, description="compare with the same window one season earlier")
    new_version: Literal["inherit", "file", "learn"] = Field(
        "inherit", description="where a new model version's baseline comes from"
    )

    @model_validator(mode="after")
    def _one_form(self) -> BaselineSettings:
        given = [name for name in ("file", "learn", "rolling", "seasonal") if getattr(self, name) is not None]
        if self.start is not None or self.end is not None:
            if self.start is None or self.end is None:
                raise ValueError("an interval needs both from and to")
            if (str(self.start)[:10], str(self.start)) >= (str(self.end)[:10], str(self.end)):
                raise ValueError(f"from ({self.start}) must be before to ({self.end})")
            given.append("from/to")
        if len(given) != 1:
            raise ValueError("give exactly one of from/to, file, learn, rolling or seasonal")
        if self.new_version == "file" and not self.file:
            raise ValueError("new_version: file needs file, with {version} in its path")
        return self


class DetectorSettings(Section):
    """One detector's own settings."""

    enabled: bool = Field(True, description="false switches the detector off")
    threshold: float | None = Field(None, gt=0, description="fixed threshold in place of the default")


class ReasonSettings(Section):
    """How the reason for changed predictions is looked for when an incident is told."""

    enabled: bool = Field(True, description="look for the features that a change of the predictions is attributed to")
    importance: dict[str, float] = Field(
        default_factory=dict,
        description="how much each feature matters to the model, where you know; else learned from its predictions",
    )

    @field_validator("importance")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        if any(not weight >= 0.0 for weight in value.values()) or (value and not sum(value.values()) > 0.0):
            raise ValueError("importance is a number of 0 or more for each feature, and more than 0 for one of them")
        return value


class Cadence(Section):
    """A batch model: one run is one window."""

    run: str = Field(description="column with the run's id")
    due: str = Field(description="when a run is due: `mon 07:00`, `07:00` for daily, in the model's time zone")
    grace: Duration = Field(timedelta(hours=2), description="how long a run may be late")

    @field_validator("due")
    @classmethod
    def _due(cls, value: str) -> str:
        if not re.fullmatch(r"((mon|tue|wed|thu|fri|sat|sun) )?([01]\d|2[0-3]):[0-5]\d", value.lower()):
            raise ValueError("write a time, with a weekday for a weekly run: `07:00` or `mon 07:00`")
        return value.lower()


def _horizons(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class ModelSettings(Section):
    """One model, with the defaults under `"*"` already merged in."""

    owner: str | None = Field(None, description="person or team, shown in alerts and matched by routes")
    task: Literal["binary", "multiclass", "regression"] = Field("binary", description="what the model predicts")
    log: LogSettings | None = Field(None, description="the model's own log, in place of the one at top level")
    labels: LabelSettings | None = Field(None, description="where labels live, when not in the log itself")
    label_wait: Duration = Field(
        timedelta(days=1), description="how long labels are given to come before performance is first looked at"
    )
    label_horizon: Duration = Field(
        timedelta(days=28), description="how long after its end a window's performance is revised as labels come"
    )
    columns: Columns = Field(default_factory=Columns, description="which column plays which part")
    features: Features = Field(default_factory=Features, description="which columns are watched")
    timezone: TimeZone = Field("UTC", description="days, weekdays and seasons follow this clock")
    baseline: BaselineSettings = Field(
        default_factory=lambda: BaselineSettings(learn=timedelta(days=28)),
        description="what production is compared with",
    )
    horizons: Annotated[tuple[Literal["1h", "1d", "7d", "28d"], ...], BeforeValidator(_horizons)] = Field(
        ("1d", "7d", "28d"), min_length=1, description="lengths of the windows"
    )
    cadence: Cadence | None = Field(None, description="for batch models: one run is one window, in place of horizons")
    settle: Duration = Field(timedelta(minutes=15), description="how long after its end a window is evaluated")
    false_alarms: Budget | None = Field(
        None, description="how many false alarms are acceptable: `1 per 30d`; learned from the baseline's days"
    )
    small_changes: Literal["record", "alarm"] = Field(
        "record",
        description="with a budget: what becomes of a change that is real but smaller than matters in practice",
    )
    events: dict[str, EventSettings] = Field(
        default_factory=dict,
        description="holidays and known events, by name: left out of references, noted rather than alarmed",
    )
    detectors: dict[str, DetectorSettings] = Field(
        default_factory=dict,
        description="per detector: threshold, enabled; naming one that is not on by default switches it on",
    )
    reasons: ReasonSettings = Field(default_factory=ReasonSettings, description="why predictions changed")
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="own performance metrics, by name")
    business: dict[str, BusinessSettings] = Field(default_factory=dict, description="business metrics, by name")
    training: TrainingSettings | None = Field(
        None,
        description="what the model was trained on; a performance baseline of the same rows is a finding, and so is a "
        "feature that is served otherwise",
    )
    segments: tuple[str, ...] = Field((), description="columns whose values are judged like the whole")
    minimum_rows: int = Field(100, ge=1, description="fewer rows than this in a window are insufficient")
    decision_threshold: float = Field(0.5, gt=0, lt=1, description="score above which the positive class is predicted")
    positive: str | int | bool = Field(1, description="label of the positive class")
    quantile: float = Field(0.5, gt=0, lt=1, description="quantile a regression predicts, for its quantile loss")
    severity: Severity = Field(Severity.CRITICAL, description="the loudest this model may be")
    triggers: dict[str, TriggerSettings] = Field(default_factory=dict, description="what trains it again, and when")

    @field_validator("metrics")
    @classmethod
    def _names(cls, value: dict[str, MetricSettings]) -> dict[str, MetricSettings]:
        for name in value:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
                raise ValueError(f"{name!r} is no name for a metric; write small letters, digits and underscores")
            if name in DETECTOR_NAMES or name in ("segments", "true_rate", "predicted_rate", "performance"):
                raise ValueError(f"{name!r} is taken; give your metric another name")
        return value

    @field_validator("label_horizon")
    @classmethod
    def _horizon(cls, value: timedelta) -> timedelta:
        if not timedelta(days=1) <= value <= timedelta(days=366):
            raise ValueError("write between 1d and 366d: labels later than that are left out")
        return value

    @property
    def budget(self) -> float | None:
        """False incidents in 30 days that are acceptable; None where thresholds are fixed."""
        return None if self.false_alarms is None else parse_budget(self.false_alarms)

    def event_on(self, day: date) -> str | None:
        """The name of the known event a local day belongs to; None for a day like others."""
        return next((name for name, event in self.events.items() if event.holds(day)), None)

    @property
    def zone(self) -> ZoneInfo:
        """The model's time zone."""
        return ZoneInfo(self.timezone)
