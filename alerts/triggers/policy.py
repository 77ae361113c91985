"""When a model is to be retrained, and what its training job is told.

In: triggers, a model's incidents, what has been fired before, `now`. Out: `Decision`s, each with its reason.
Kept: nothing; `retrainings.py` keeps the firings. Drift alone does not retrain unless a trigger says so: new data on
the same world makes no better model, and a broken column makes a worse one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from alerts.incident import Incident, window_json
from detectors.conclusion import ADVICE, Advice, Conclusion
from detectors.result import Window, iso
from detectors.trouble import Trouble

_TROUBLES = {
    "degradation": (Trouble.PERFORMANCE,),
    "drift": (Trouble.PERFORMANCE, Trouble.DRIFT),
    "schedule": (),
}

NOT_TRIGGERED = "retraining not triggered: "


class Mode(StrEnum):
    """What firing means."""

    LIVE = "live"  # the target is called
    APPROVAL = "approval"  # the target is called once somebody has said yes
    DRY_RUN = "dry run"  # it is written down what would have been asked, and nobody is called


@dataclass(frozen=True, slots=True)
class Trigger:
    """One way to have a model trained again.

    With `when` "degradation" it fires once for each incident in which the model has become worse, with "drift" also
    for those in which its inputs have changed, once they have breached in `confirm` windows; with "schedule" when it
    is told to. Never twice within `cooldown`, nor more than `most` times within `period` (None: as often as that).
    """

    name: str
    model: str
    when: Literal["degradation", "drift", "schedule"] = "degradation"
    cooldown: timedelta = timedelta(days=7)
    confirm: int = 2
    most: int | None = None
    period: timedelta = timedelta(days=30)
    mode: Mode = Mode.LIVE


@dataclass(frozen=True, slots=True)
class Fired:
    """A firing of the past; `counted` towards cooldown and number, unless somebody has refused it."""

    trigger: str
    key: str
    at: datetime
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Firing:
    """A retraining to be asked for. `key` is the same whenever the same cause is looked at again."""

    trigger: str
    model: str
    version: str
    key: str
    at: datetime
    reasons: tuple[str, ...]
    baseline_id: str = ""
    window: Window | None = None
    incident: str | None = None
    diagnosis: str | None = None
    mode: Mode = Mode.LIVE

    def payload(self) -> dict[str, Any]:
        """What the training job is told, as plain JSON."""
        return {
            "type": "retrain",
            "trigger": self.trigger,
            "model": self.model,
            "version": self.version,
            "baseline": self.baseline_id,
            "window": window_json(self.window) if self.window else None,
            "incident": self.incident,
            "diagnosis": self.diagnosis,
            "reasons": list(self.reasons),
            "at": iso(self.at),
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What a trigger makes of one cause; `firing` is None where it holds back."""

    trigger: str
    reason: str
    firing: Firing | None = None


def on_incidents(
    triggers: Sequence[Trigger], incidents: Sequence[Incident], history: Sequence[Fired], now: datetime
) -> list[Decision]:
    """What a model's triggers make of its incidents as they now stand.

    Looks at states, not events: what the cooldown held back fires once it is over, if the trouble still is not.
    """
    decisions: list[Decision] = []
    past = list(history)
    for trigger in triggers:
        for incident in incidents:
            if incident.resolved or incident.model != trigger.model or incident.trouble not in _TROUBLES[trigger.when]:
                continue
            key = _key(trigger, incident.id, str(incident.reopened))
            decision = _decide(trigger, key, past, now) or _confirmed(trigger, incident, key, now)
            if decision.firing is not None:
                past.append(Fired(trigger.name, key, now))
            decisions.append(decision)
    return decisions


def held_back(triggers: Sequence[Trigger], incident: Incident, history: Sequence[Fired], now: datetime) -> str:
    """Why an incident sets none of a model's triggers off, `retraining not triggered: …`; empty where one does."""
    reasons: dict[str, None] = {}
    for trigger in triggers:
        if trigger.when == "schedule":
            continue
        if incident.trouble not in _TROUBLES[trigger.when]:
            reasons[f"{incident.trouble.value} alone does not"] = None
            continue
        key = _key(trigger, incident.id, str(incident.reopened))
        if any(fired.key == key for fired in history):
            return ""
        decision = _decide(trigger, key, history, now) or _confirmed(trigger, incident, key, now)
        if decision.firing is not None:
            return ""
        reasons[decision.reason] = None
    return f"{NOT_TRIGGERED}{', '.join(reasons)}" if reasons else ""


def on_schedule(
    trigger: Trigger, due_at: datetime, version: str, baseline_id: str, history: Sequence[Fired], now: datetime
) -> Decision:
    """What a scheduled trigger makes of a time it was due at."""
    key = _key(trigger, iso(due_at))
    reason = f"scheduled for {iso(due_at)}"
    firing = Firing(trigger.name, trigger.model, version, key, now, (reason,), baseline_id, mode=trigger.mode)
    return _decide(trigger, key, history, now) or Decision(trigger.name, reason, firing)


def target_name(model: str, trigger: str) -> str:
    """The name a trigger's webhook has among the channels."""
    return f"trigger:{model}/{trigger}"


def _decide(trigger: Trigger, key: str, history: Sequence[Fired], now: datetime) -> Decision | None:
    """Why it holds back, or None."""
    mine = [fired for fired in history if fired.trigger == trigger.name]
    if any(fired.key == key for fired in mine):
        return Decision(trigger.name, "fired already for this")
    counted = sorted(fired.at for fired in mine if fired.counted)
    if counted and now < (again := counted[-1] + trigger.cooldown):
        return Decision(trigger.name, f"cooling down until {iso(again)}")
    if trigger.most is not None:
        lately = [at for at in counted if at > now - trigger.period]
        if len(lately) >= trigger.most:
            again = lately[-trigger.most] + trigger.period
            return Decision(trigger.name, f"fired {len(lately)} times lately, as often as it may until {iso(again)}")
    return None


def _confirmed(trigger: Trigger, incident: Incident, key: str, now: datetime) -> Decision:
    if incident.trouble is Trouble.PERFORMANCE and (instead := _instead(incident.diagnosis)) is not None:
        return Decision(trigger.name, f"{incident.diagnosis}: {instead.value} first")
    if incident.breaches < trigger.confirm:
        return Decision(trigger.name, f"breached in {incident.breaches} of {trigger.confirm} windows it takes")
    firing = Firing(
        trigger=trigger.name,
        model=incident.model,
        version=incident.version,
        key=key,
        at=now,
        reasons=(incident.summary,),
        baseline_id=incident.baseline_id,
        window=incident.latest,
        incident=incident.id,
        diagnosis=incident.diagnosis,
        mode=trigger.mode,
    )
    return Decision(trigger.name, f"{incident.diagnosis} in {incident.breaches} windows", firing)


def _instead(diagnosis: str) -> Advice | None:
    """What is to be done rather than to retrain: broken data or labels would only be learned."""
    if diagnosis not in set(Conclusion):
        return None
    advice = ADVICE[Conclusion(diagnosis)]
    return None if advice is Advice.RETRAIN else advice


def _key(trigger: Trigger, *cause: str) -> str:
    text = "\0".join((trigger.model, trigger.name, *cause))
    return "retrain_" + hashlib.sha256(text.encode()).hexdigest()[:24]
