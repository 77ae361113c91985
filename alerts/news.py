"""What is worth telling of an incident that goes on: it spread, it is worse, it is better.

In: an incident, what its readers know, a breach. Out: a reason, or none. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from alerts.breach import Breach
from alerts.incident import Incident, State
from detectors.conclusion import ADVICE, Advice, Conclusion

# One mild window is chance; figures must stay down to be told.
_EASED = 2


def news(incident: Incident, known: Collection[str], breach: Breach, worse: float) -> str:
    """Why this is worth telling; empty when it is the same as before."""
    joined = [subject for subject in breach.subjects if subject not in known]
    if joined:
        shown = ", ".join(joined[:3]) + (f" and {len(joined) - 3} more" if len(joined) > 3 else "")
        return f"spread to {shown}"
    if breach.severity.rank > incident.severity.rank:
        return f"severity rose from {incident.severity.value} to {breach.severity.value}"
    if incident.told and breach.effect > worse * incident.told:
        return f"worse: {breach.effect:.2g} times the limit, was {incident.told:.2g} times"
    if _advice(breach.diagnosis) is not _advice(incident.diagnosis):
        return f"what it amounts to has changed: {breach.diagnosis}, was {incident.diagnosis}"
    if incident.easing >= _EASED and incident.told and incident.state is not State.STANDING:
        return f"better: {breach.effect:.2g} times the limit, was {incident.told:.2g} times"
    return ""


def eased(incident: Incident, breach: Breach, worse: float) -> int:
    """How many windows of the shortest horizon in a row have been far better than what was told.

    Far: by the factor that would be told as worse, twice over, so that the two do not take turns.
    """
    effect = breach.effect_in(incident.horizons[0])
    if effect is None or incident.told is None:
        return incident.easing
    longer = breach.effect
    return incident.easing + 1 if max(effect, longer) * worse**2 < incident.told else 0


def _advice(diagnosis: str) -> Advice | None:
    """What a diagnosis recommends; None for one that is no conclusion (silence, blindness)."""
    return ADVICE[Conclusion(diagnosis)] if diagnosis in set(Conclusion) else None
