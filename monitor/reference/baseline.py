"""Make the reference a model version is compared with.

In: a model's settings, its log and labels, the version's first row, the time. Out: a `Baseline`, or `Learning`
with the day it will be ready. Kept: the baseline, frozen, in the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from detectors.measured import Measured
from monitor.performance.outcomes import read_outcomes
from monitor.performance.realised import by_segment, reference_performance
from monitor.prediction_log.base import LabelSource, LogMismatch, PredictionLog
from monitor.profiling.rows import by_version, times_of
from monitor.reference.accepted import BY_INCIDENT, Acceptance, accepted_by, stage_at
from monitor.reference.joint import completed, with_joint
from monitor.reference.left_out import Span, incident_spans, kept
from monitor.reference.rows import fit, read_table, watched
from monitor.settings import BaselineSettings, ModelSettings
from monitor.store import Store, baselines, versions
from monitor.store.baselines import Baseline
from monitor.windows import days, local_day, midnight

_DEFAULT_LEARNING = timedelta(days=14)
_INHERITED = "inherited from version "
# The spec of a baseline a person accepted: no config makes or unmakes it.
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Learning:
    """No baseline yet: when it will be ready (None: not known), and why it is not, in words."""

    ready_at: datetime | None
    reason: str


def ensure(
    store: Store,
    log: PredictionLog,
    labels: LabelSource | None,
    model: str,
    settings: ModelSettings,
    version: str,
    now: datetime,
) -> Baseline | Learning:
    """The baseline of a model version, made now if its time has come.

    While one is being learned, the result may be a provisional baseline (from the first day's rows): breakage is
    seen against it, drift is not judged. Raises LogMismatch for a training file that cannot be used.
    """
    with store.read() as connection:
        existing = baselines.current(connection, model, version)
        seen = versions.versions(connection, model).get(version)
        elder = baselines.newest(connection, model)
        stands = accepted_by(connection, model, existing, seen)
    if stands is not None:
        found = _accepted(store, log, labels, model, settings, version, now, existing, stands)
        if found is not None:
            return found
    spec = _spec(settings, seen)
    if existing is not None and stands is None and existing.spec.startswith(BY_INCIDENT):
        existing = _before(store, model, version, spec)  # what was accepted is no longer
    if existing is not None and not existing.provisional and (existing.spec == spec or existing.spec == ACCEPTED):
        return completed(store, log, settings, existing)
    with store.read() as connection:
        troubled = incident_spans(connection, model)
    made = _make(log, labels, model, settings, version, now, seen, elder, spec, existing, troubled)
    if isinstance(made, Baseline) and made is not existing:
        made = with_joint(log, settings, made)
        with store.begin() as connection:
            baselines.save(connection, made)
    return made


def _spec(settings: ModelSettings, seen: tuple[datetime, datetime] | None) -> str:
    """What a baseline is made from: its section, and the events that take days out of it, where there are any."""
    spec = settings.baseline.model_dump_json(by_alias=True)
    span = _span(settings.baseline, settings, seen)
    if span is None or not settings.events or kept(settings, *span) == [span]:
        return spec
    gone = {local_day(start, settings.zone) for start, _ in days(*span, settings.zone)}
    return f"{spec} without {' '.join(sorted(str(day) for day in gone if settings.event_on(day)))}"


def _before(store: Store, model: str, version: str, spec: str) -> Baseline | None:
    """The baseline that held before an incident was accepted, made current again."""
    with store.begin() as connection:
        stored = baselines.of_spec(connection, model, version, ACCEPTED)
        stored = stored or baselines.of_spec(connection, model, version, spec)
        if stored is not None:
            baselines.use(connection, stored)
    return stored


def _make(
    log: PredictionLog,
    labels: LabelSource | None,
    model: str,
    settings: ModelSettings,
    version: str,
    now: datetime,
    seen: tuple[datetime, datetime] | None,
    elder: Baseline | None,
    spec: str,
    existing: Baseline | None,
    troubled: Sequence[Span],
) -> Baseline | Learning:
    chosen = settings.baseline
    if chosen.file is not None:
        path = Path(chosen.file.replace("{version}", version))
        if elder is None or chosen.new_version == "file" or not _other(elder, version):
            return from_file(path, model, settings, version, now, spec)
    span = _span(chosen, settings, seen)
    if elder is not None and _other(elder, version):
        # The first version's form does not bind the next ones: they say themselves where theirs comes from.
        own_rows = span is not None and chosen.start is not None and seen is not None and seen[0] < span[1]
        if not own_rows:
            if chosen.new_version == "inherit":
                return inherited(elder, version, spec, now)
            span = None if seen is None else (seen[0], seen[0] + (chosen.learn or _DEFAULT_LEARNING))
    if span is None:
        return Learning(None, "no rows yet")
    start, end = span
    if now >= end:
        made = from_interval(log, labels, model, settings, version, start, end, now, spec, troubled=troubled)
        if isinstance(made, Learning) and chosen.start is not None and chosen.new_version == "inherit":
            # The interval was written down for versions that were never seen here: it is what they would hand on.
            made = from_interval(log, labels, model, settings, version, start, end, now, spec, any_version=True)
        return made
    if existing is not None and existing.provisional:
        return existing
    if seen is not None and now >= seen[0] + timedelta(days=1):
        early = from_interval(log, None, model, settings, version, seen[0], seen[0] + timedelta(days=1), now, spec)
        if isinstance(early, Baseline):
            return replace(early, provisional=True, origin=f"learning, ready {_day(end, settings)}")
    return Learning(end, f"learning, ready {_day(end, settings)}")


def _accepted(
    store: Store,
    log: PredictionLog,
    labels: LabelSource | None,
    model: str,
    settings: ModelSettings,
    version: str,
    now: datetime,
    existing: Baseline | None,
    stands: Acceptance,
) -> Baseline | None:
    """The baseline of the days since a new normal began; None where it has no rows of this version.

    It grows with the days there are (see `accepted.py`), each time as a baseline of its own.
    """
    stage = stage_at(stands, settings.zone, now)
    if not stage.days:
        # Not a day yet: breakage is seen against what there is, and drift is not judged.
        return None if existing is None else replace(existing, provisional=True, origin=stage.origin)
    if existing is not None and existing.spec == stage.spec:
        return existing if existing.provisional else completed(store, log, settings, existing)
    with store.read() as connection:
        stored = baselines.of_spec(connection, model, version, stage.spec)
        troubled = incident_spans(connection, model)
    if stored is not None:
        with store.begin() as connection:
            baselines.use(connection, stored)
        return stored
    made = from_interval(
        log, labels, model, settings, version, stage.start, stage.end, now, stage.spec, troubled=troubled
    )
    if isinstance(made, Learning):
        return None
    made = replace(made, provisional=stage.provisional, origin=stage.origin)
    if not stands.of_performance and existing is not None:
        # Other inputs were accepted, not that the model is worse on them.
        made = replace(made, performance=existing.performance)
    made = with_joint(log, settings, made)
    with store.begin() as connection:
        baselines.save(connection, made)
    return made


def _other(elder: Baseline, version: str) -> bool:
    return elder.version != version


def _day(moment: datetime, settings: ModelSettings) -> str:
    local = moment.astimezone(settings.zone)
    return f"{local.day} {local:%B %Y}"


def instant(value: date | datetime, settings: ModelSettings) -> datetime:
    """A moment of the config in UTC; a date is the beginning of that day on the model's clock."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=settings.zone)
    return midnight(value, settings.zone)


def _span(
    chosen: BaselineSettings, settings: ModelSettings, seen: tuple[datetime, datetime] | None
) -> tuple[datetime, datetime] | None:
    if chosen.start is not None and chosen.end is not None:
        return instant(chosen.start, settings), instant(chosen.end, settings)
    length = chosen.learn or chosen.rolling or chosen.seasonal
    if seen is None or length is None:
        return None
    return seen[0], seen[0] + length


def inherited(elder: Baseline, version: str, spec: str, now: datetime) -> Baseline:
    """A new version's own baseline, equal to the one before it."""
    inherits = elder.origin.startswith(_INHERITED)
    return replace(
        elder,
        id=_id(elder.model, version, elder.grid.id, elder.origin),
        version=version,
        spec=spec,
        origin=elder.origin if inherits else f"{_INHERITED}{elder.version} ({elder.origin})"[:400],
        created_at=now,
    )


def from_interval(
    log: PredictionLog,
    labels: LabelSource | None,
    model: str,
    settings: ModelSettings,
    version: str,
    start: datetime,
    end: datetime,
    now: datetime,
    spec: str,
    *,
    any_version: bool = False,
    troubled: Sequence[Span] = (),
) -> Baseline | Learning:
    """A baseline from the version's rows of `[start, end)` (or those of all), with performance where labels have come.

    Days of known events, and those that `troubled` spans touch, are left out, unless nothing were left.
    Raises LogMismatch when none of the watched columns can be used.
    """
    schema = log.schema()
    names = watched(settings, schema)
    if not set(names) & set(schema.names):
        raise LogMismatch("no column can be watched: the log has none beside its time, id, version and label")
    stamp, by = settings.columns.timestamp, settings.columns.version
    columns = list(dict.fromkeys([*names, *(name for name in settings.segments if name in schema.names)]))
    reading = list(dict.fromkeys([stamp, *([by] if by else []), *columns]))

    spans = kept(settings, start, end, troubled) or [(start, end)]

    def parts() -> Iterator[pa.RecordBatch]:
        for first, last in spans:
            for batch in log.batches(first, last, reading):
                for found, part, _ in by_version(batch, times_of(batch, stamp), by):
                    if (any_version or found == version) and part.num_rows:
                        yield part.select([name for name in columns if name in part.schema.names])

    fitted = fit(parts, settings, names)
    if fitted is None:
        return Learning(None, f"no rows of version {version} between {_day(start, settings)} and {_day(end, settings)}")
    grid, profile = fitted
    performance: Mapping[str, Measured] = {}
    apart: Mapping[str, Mapping[str, Measured]] = {}
    if labels is not None and settings.columns.id is not None:
        outcomes = read_outcomes(log, labels, settings, start, end, now).get(version)
        if outcomes is not None and not any_version:
            performance = reference_performance(settings, outcomes)
            apart = {
                label: reference_performance(settings, part) for label, part in by_segment(outcomes, grid.segments)
            }
    origin = f"{_day(start, settings)} to {_day(end - timedelta(microseconds=1), settings)}"
    return Baseline(
        id=_id(model, version, grid.id, f"{start.isoformat()} {end.isoformat()} {profile.rows}"),
        model=model,
        version=version,
        spec=spec,
        grid=grid,
        profile=profile,
        performance=performance,
        segment_performance=apart,
        start=start,
        end=end,
        rows=profile.rows,
        origin=origin,
        provisional=False,
        created_at=now,
    )


def from_file(path: Path, model: str, settings: ModelSettings, version: str, now: datetime, spec: str) -> Baseline:
    """A baseline from a training file (Parquet, CSV or NDJSON). Raises LogMismatch if it cannot be read."""
    table = read_table(path)
    names = [name for name in watched(settings, table.schema) if name in table.schema.names]
    if not names or not table.num_rows:
        raise LogMismatch(f"baseline file {path}: no rows, or none of the watched columns")
    kept = list(dict.fromkeys([*names, *(name for name in settings.segments if name in table.schema.names)]))
    fitted = fit(lambda: iter(table.select(kept).to_batches(max_chunksize=65536)), settings, names)
    assert fitted is not None
    grid, profile = fitted
    return Baseline(
        id=_id(model, version, grid.id, f"{path.name} {profile.rows}"),
        model=model,
        version=version,
        spec=spec,
        grid=grid,
        profile=profile,
        performance={},
        start=None,
        end=None,
        rows=profile.rows,
        origin=f"file {path.name}",
        provisional=False,
        created_at=now,
    )


def _id(model: str, version: str, grid: str, what: str) -> str:
    return hashlib.sha256(json.dumps([model, version, grid, what]).encode()).hexdigest()[:16]
