"""Read what a model's due windows need, and judge them: everything of an evaluation that comes before the write.

In: a `World`, a model, its due windows, the time. Out: `Evaluation`s (ledger rows with findings), ready to be
written. Kept: hour profiles and baselines, as they are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.metadata import version as distribution_version

from detectors import Profile
from detectors.learned import LearnedRule
from detectors.result import Finding, IntArray, Window
from detectors.sample import Sample
from detectors.threshold import ThresholdRule
from monitor.evaluate import Context, unjudged
from monitor.judging.arrivals import judge_duplicates, judge_late, judge_volume
from monitor.judging.joint import HORIZON, judge_joint, rule_of
from monitor.judging.noting import anchored, mixed, noted
from monitor.judging.segments import judge_everything
from monitor.judging.versioning import judge_skew, judge_version, retired, training_profile
from monitor.judging.volumes import usual
from monitor.performance.estimating import Estimating
from monitor.performance.judge import judge_windows
from monitor.prediction_log.base import LabelSource, PredictionLog
from monitor.profiling.sync import sync
from monitor.reference import day_sums
from monitor.reference.baseline import Learning, ensure
from monitor.reference.calibrating import Taught, hourly_rule, learn, learned_rule, marked, with_rows
from monitor.reference.hours_of_day import usual_hour
from monitor.reference.left_out import incident_spans, only_event, without
from monitor.settings import ModelSettings
from monitor.store import evaluations, profiles, samples, served, versions
from monitor.store.baselines import Baseline
from monitor.store.evaluations import DONE, Evaluation
from monitor.store.profiles import DaySums, Piece
from monitor.windows import Aspect, Due, days, earlier, local_day, longest, midnight
from monitor.world import World

# Rows that arrive later than this after their hour are not looked for any more.
LATE = timedelta(days=7)


@lru_cache
def program() -> str:
    """Driftline's own version, written beside every finding."""
    return distribution_version("driftline")


def _is_day(start: datetime, end: datetime) -> bool:
    """Whether a span is a day, of whatever length its clock makes it, and no hour."""
    return end - start > timedelta(hours=2)


Made = tuple[str, Baseline, list[tuple[datetime, datetime, Profile]]]
References = Mapping[str, Baseline | Learning]


@dataclass
class Judging:
    """One model's work at one moment; `made` collects day sums that the transaction may store, `summed` what
    calibrations, by version, grid and key, make of days.

    With `explain`, findings tell how they can be computed again (for people who check, not for the ledger).
    """

    world: World
    model: str
    settings: ModelSettings
    log: PredictionLog
    labels: LabelSource | None
    now: datetime
    explain: bool = False
    made: list[Made] = field(default_factory=list)
    looked_at: tuple[datetime, ...] = ()
    summed: dict[tuple[str, str, str], list[DaySums]] = field(default_factory=dict)
    _calibrations: dict[str, Taught | None] = field(default_factory=dict)
    _sums: dict[tuple[str, datetime, datetime], IntArray] = field(default_factory=dict)

    def windows(self, dues: Sequence[Due], *, revisions: bool = True) -> Iterator[Evaluation]:
        """Every due window judged, then the revisions of earlier windows whose rows have changed since."""
        estimating = Estimating(self)
        inputs = [due for due in dues if due.aspect is Aspect.INPUTS]
        if inputs:
            start, end = min(due.window.start for due in inputs), max(due.window.end for due in inputs)
            references, changed = self.prepare(start - self._reach(), end)
            for due in inputs:
                yield from estimating.with_estimates(self._inputs(due, references))
            if revisions:
                judged = {due.window for due in inputs}
                for due in self._to_revise(changed, end):
                    if due.window not in judged:
                        yield from estimating.with_estimates(self._inputs(due, references, revise=True))
                self.looked_at = changed
        performance = [due for due in dues if due.aspect is Aspect.PERFORMANCE]
        yield from estimating.with_surprises(judge_windows(self, performance, revisions=revisions))

    def prepare(self, start: datetime, end: datetime) -> tuple[References, tuple[datetime, ...]]:
        """Bring hour profiles up to date; returns each version's baseline and the slots whose rows changed."""
        references = {version: self.reference_for(version) for version in self._versions(start, end)}
        changed = self._sync(references, start, end)
        new = [version for version in self._versions(start, end) if version not in references]
        if new:
            references |= {version: self.reference_for(version) for version in new}
            changed = self._sync(references, start, end)
        return references, changed

    def _reach(self) -> timedelta:
        """How far before its windows a model reads: late rows, and what a moving reference is made of."""
        chosen = self.settings.baseline
        moving = chosen.rolling or chosen.seasonal
        # A day more: days of another length than 24 hours, and the rest of the first one.
        return LATE if moving is None else max(LATE, moving + timedelta(days=2))

    def _versions(self, start: datetime, end: datetime) -> list[str]:
        with self.world.store.read() as connection:
            known = versions.versions(connection, self.model)
        return [version for version, (first, last) in known.items() if last >= start and first < end]

    def retired(self, version: str, window: Window) -> str:
        """Why a window says nothing of a version any more; empty where it does. See `versioning.retired`."""
        with self.world.store.read() as connection:
            return retired(versions.versions(connection, self.model), version, window)

    def reference_for(self, version: str) -> Baseline | Learning:
        """What a version is compared with, made now if its time has come."""
        return ensure(self.world.store, self.log, self.labels, self.model, self.settings, version, self.now)

    def _sync(self, references: References, start: datetime, end: datetime) -> tuple[datetime, ...]:
        made = {version: found for version, found in references.items() if isinstance(found, Baseline)}
        grids = {version: found.grid for version, found in made.items()}
        rules = {version: rule for version, found in made.items() if (rule := rule_of(self.settings, found))}
        return sync(self.world.store, self.log, self.model, self.settings, grids, start, end, self.world.pool, rules)

    def _inputs(self, due: Due, references: References, *, revise: bool = False) -> Iterator[Evaluation]:
        window, zone = due.window, self.settings.zone
        spans = list(days(window.start, window.end, zone)) if window.horizon != "1h" else [(window.start, window.end)]
        # A longer window is judged by the rest of its days; one of an event's days alone is judged for the record.
        event, spans = only_event(self.settings, window), without(spans, self.settings) or spans
        present = self._versions(window.start, window.end)
        with self.world.store.read() as connection:
            history = usual(connection, self.model, self.settings, window)
            _, rows, newest = profiles.counted(connection, self.model, window.start, window.end)
            ids, repeats = profiles.repeated(connection, self.model, window.start, window.end)
        everywhere = list(references) or [""]
        judged = [version for version in everywhere if version in present] or everywhere[-1:]
        for version in judged:
            found = references.get(version)
            baseline = found if isinstance(found, Baseline) else None
            parts = self._parts(version, baseline, spans) if baseline else []
            production = sum((part.profile for part in parts), Profile.empty(baseline.grid)) if baseline else None
            sample = self._sample(version, baseline, window) if baseline else None
            source = digest(production, rows, sample)
            if revise and source == self._source(version, baseline, window):
                continue
            context = self.context(version, window, baseline, Aspect.INPUTS)
            if revise and context.revision == 0:
                continue  # judged before on another baseline: not to be judged again on this one
            findings: list[Finding] = []
            sure: list[Finding] = []
            learned: LearnedRule | None = None
            half = mixed(baseline, window) if baseline is not None else ""
            gone = self.retired(version, window)
            if gone:
                findings.append(unjudged(context, "baseline", rows, gone))
            elif half:
                # Days of before and after: neither drift nor breakage of either; the days themselves tell of both.
                findings.append(unjudged(context, "baseline", rows, half))
            elif baseline is not None and production is not None and version in present:
                reference = self._reference(version, baseline, window)
                rule = self._rule(baseline, window, parts)
                hasty = baseline.provisional or (window.horizon == "1h" and rule is not None)
                findings += judge_everything(
                    context, self.settings, reference, production, hasty, rule, explain=self.explain
                )
                if reference is not baseline.profile and window.horizon == longest(self.settings):
                    anchor = judge_everything(context, self.settings, baseline.profile, production, hasty, rule)
                    findings = anchored(findings, anchor, baseline.origin)
                if event is not None:
                    hourly = hourly_rule(self.settings)
                    sure = judge_everything(context, self.settings, reference, production, True, hourly)
                if not hasty:
                    findings = marked(findings, self.settings, rule)
                findings += judge_joint(context, self.settings, baseline, sample)
                trained = None if baseline.provisional else training_profile(self.world.store, self.settings, baseline)
                if trained is not None:
                    findings += judge_skew(context, self.settings, trained, baseline.profile, production)
                learned = rule if isinstance(rule, LearnedRule) else None
            if version in present and not gone:
                findings += self._version(context, version, rows)
            if isinstance(found, Learning) and not gone:
                findings.append(unjudged(context, "baseline", rows, found.reason))
            elif baseline is not None and baseline.provisional and not gone:
                findings.append(unjudged(context, "baseline", rows, baseline.origin))
            if version == judged[-1]:
                age = None if newest is None else (window.end - newest).total_seconds()
                came = judge_volume(context, self.settings, rows, age, history)
                findings += came if learned is None else with_rows(came, learned)
                findings += judge_duplicates(context, self.settings, ids, repeats)
            if context.revision:
                now = production.rows if production else rows
                findings += judge_late(context, self.settings, self._first_rows(context, now), now)
            findings = findings if event is None else noted(findings, event, sure)
            yield self.evaluation(context, due, production.rows if production else rows, source, findings)

    def _version(self, context: Context, version: str, rows: int) -> list[Finding]:
        """Whether a version that served in a window is registered, and its preprocessing one."""
        with self.world.store.read() as connection:
            known = served.registered(connection, self.model)
            column = self.settings.columns.preprocessing
            prints = [] if column is None else served.fingerprints(connection, self.model, version)
        return judge_version(context, self.settings, rows, prints, known)

    def _parts(self, version: str, baseline: Baseline, spans: list[tuple[datetime, datetime]]) -> list[Piece]:
        """The profile of each span; days that had to be summed are remembered, for the transaction to store."""
        # A longer window ends with the day that the shorter one was.
        made = [day for name, on, some in self.made if name == version and on.id == baseline.id for day in some]
        old = len(made)
        with self.world.store.read() as connection:
            found = profiles.pieces(connection, self.model, version, baseline.grid, spans, made)
        whole = [piece for piece in made[old:] if _is_day(piece[0], piece[1])]
        if whole:
            self.made.append((version, baseline, whole))
        return found

    def _rule(self, baseline: Baseline, window: Window, parts: Sequence[Piece]) -> ThresholdRule | None:
        """What the model's false-alarm budget makes of a window; None where thresholds are fixed."""
        taught = self._taught(baseline)
        if taught is None:
            return None
        if window.horizon == "1h":
            return hourly_rule(self.settings)
        sums = [self._sums_of(baseline, taught, part) for part in parts]
        held = [(local_day(part.start, self.settings.zone), part.profile) for part in parts]
        return learned_rule(taught.parts, self.settings, held, sums)

    def _taught(self, baseline: Baseline) -> Taught | None:
        """What a baseline's days teach, asked for once."""
        if baseline.id not in self._calibrations:
            self._calibrations[baseline.id] = learn(
                self.world.store, self.log, self.settings, baseline, self.world.pool
            )
        return self._calibrations[baseline.id]

    def _sums_of(self, baseline: Baseline, taught: Taught, part: Piece) -> IntArray:
        """What a calibration makes of a day: made before for a shorter window, or for one of another day, or now."""
        key = (baseline.id, part.start, part.end)
        if key not in self._sums:
            if part.sums is not None and part.taught == taught.key:
                self._sums[key] = day_sums.from_bytes(taught.parts, part.sums)
            else:
                self._sums[key] = day_sums.sums_of(taught.parts, part.profile)
                if _is_day(part.start, part.end):
                    kept = self.summed.setdefault((baseline.version, baseline.grid.id, taught.key), [])
                    made = day_sums.to_bytes(self._sums[key])
                    kept.append(DaySums(part.start, part.end, part.profile.rows, made))
        return self._sums[key]

    def _sample(self, version: str, baseline: Baseline, window: Window) -> Sample | None:
        """The rows of a window that the detectors of the joint distribution read, where they are asked for."""
        rule = rule_of(self.settings, baseline)
        if rule is None or window.horizon != HORIZON:
            return None
        with self.world.store.read() as connection:
            return samples.total(connection, self.model, version, baseline.grid, rule.rate, window.start, window.end)

    def _reference(self, version: str, baseline: Baseline, window: Window) -> Profile:
        """The baseline's own profile, or a moving one where it holds enough rows; the baseline stays the anchor.

        Days of events, and those of incidents that are open, expected or fixed, are in no moving reference. An hour
        of a model with a budget is held against the same hours of the baseline's days.
        """
        chosen, zone, minimum = self.settings.baseline, self.settings.zone, self.settings.minimum_rows
        if chosen.rolling is not None:
            # Whole days before the window's own, so that nothing of the window is in its reference.
            today = midnight(local_day(window.start, zone), zone)
            spans = list(days(earlier(today, max(1, chosen.rolling.days), zone), today, zone))
        elif chosen.seasonal is not None:
            start, end = (earlier(edge, max(1, chosen.seasonal.days), zone) for edge in (window.start, window.end))
            spans = [(start, end)] if window.horizon == "1h" else list(days(start, end, zone))
        elif window.horizon == "1h" and self._taught(baseline) is not None:
            with self.world.store.read() as connection:
                return usual_hour(connection, baseline, window, zone, minimum) or baseline.profile
        else:
            return baseline.profile
        with self.world.store.read() as connection:
            spans = without(spans, self.settings, incident_spans(connection, self.model))
        parts = self._parts(version, baseline, spans)
        moving = sum((part.profile for part in parts), Profile.empty(baseline.grid))
        return moving if moving.rows >= minimum else baseline.profile

    def _to_revise(self, changed: Sequence[datetime], end: datetime) -> list[Due]:
        if not changed:
            return []
        first, last = min(changed), max(changed)
        with self.world.store.read() as connection:
            found = evaluations.find(
                connection, self.model, start=first, aspect=Aspect.INPUTS, findings=False, latest=True
            )
            dues = {
                Due(old.due_at, old.window, Aspect.INPUTS)
                for old in found
                if old.window.start <= last and not old.window.horizon.startswith("run:")
            }
        slots = set(changed)
        return sorted(
            due
            for due in dues
            if due.window.end <= end and any(due.window.start <= slot < due.window.end for slot in slots)
        )

    def _source(self, version: str, baseline: Baseline | None, window: Window) -> str | None:
        with self.world.store.read() as connection:
            return evaluations.latest_source(
                connection, self.model, version, baseline.id if baseline else "", window, Aspect.INPUTS
            )

    def _first_rows(self, context: Context, now: int) -> int:
        """How many rows a window had when it was first judged; `now` where that is no longer known."""
        with self.world.store.read() as connection:
            rows = evaluations.first_rows(
                connection, self.model, context.version, context.baseline_id, context.window, Aspect.INPUTS
            )
        return now if rows is None else rows

    def context(self, version: str, window: Window, baseline: Baseline | None, aspect: Aspect) -> Context:
        """What every finding of one evaluation has in common, with the revision it is to have."""
        key = baseline.id if baseline else ""
        with self.world.store.read() as connection:
            revision = evaluations.next_revision(connection, self.model, version, key, window, aspect)
        return Context(
            model=self.model,
            version=version,
            window=window,
            revision=revision,
            evaluated_at=self.now,
            baseline_id=key,
            config_hash=self.world.config.hash(self.model),
            program=program(),
        )

    def evaluation(self, context: Context, due: Due, rows: int, source: str, findings: Sequence[Finding]) -> Evaluation:
        """A ledger row that says: done."""
        return Evaluation(
            model=self.model,
            version=context.version,
            baseline=context.baseline_id,
            window=context.window,
            aspect=due.aspect,
            revision=context.revision,
            status=DONE,
            reason="",
            rows=rows,
            source=source,
            evaluated_at=self.now,
            due_at=due.at,
            config_hash=context.config_hash,
            program=context.program,
            findings=tuple(findings),
        )


def digest(production: Profile | None, rows: int, sample: Sample | None = None) -> str:
    """What a window's rows were, in a few characters: equal rows give equal digests."""
    if production is None:
        return hashlib.sha256(str(rows).encode()).hexdigest()[:32]
    # The counts themselves, not their compressed form: another version of the compressor changes nothing here.
    found = hashlib.sha256(f"{production.grid.id} {production.rows}".encode())
    for part in (production.counts, production.aux, production.sums, production.parts):
        found.update(part.astype("<i8").tobytes())
    if sample is not None:
        found.update(sample.hashes.astype("<u8").tobytes() + sample.cells.astype("<u2").tobytes())
    return found.hexdigest()[:32]
