"""What a verdict does, in words: offered to whoever has taken an incident on, and told once it is given.

In: an incident. Out: lines for a message. Kept: nothing.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.incident import Incident, Verdict
from alerts.wording import day_text
from detectors.trouble import Trouble


def choices(incident: Incident) -> str:
    """How to close an incident, and what that does; for one that is open."""
    command = f"driftline incidents close {incident.id} --as"
    since = day_text(incident.span[0], ZoneInfo(incident.timezone))
    stays = (
        "" if incident.trouble is Trouble.BLIND else f"If it is to stay, {command} accepted compares with {since} on. "
    )
    return (
        f"{stays}Otherwise --as fixed, --as expected (its days are left out of references), "
        'or --as "false alarm" (it counts against the budget).'
    )


def what_follows(incident: Incident) -> str:
    """What the verdict of an incident does from now on; empty where there is none, or it does nothing."""
    since = day_text(incident.accepted_from or incident.span[0], ZoneInfo(incident.timezone))
    return {
        None: "",
        Verdict.FIXED: "its days are left out of references",
        Verdict.EXPECTED: "its days are left out of references",
        Verdict.ACCEPTED: f"the new normal begins on {since}; drift from it is judged once it has seven days",
        Verdict.FALSE_ALARM: "it counts against the budget",
    }[incident.verdict]
