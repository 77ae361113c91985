"""Buttons of a Slack message: acknowledge, mute, close as. What they look like, and what pressing one says.

In: a message; later what Slack sends when a button is pressed. Out: a block; a `Press`. Kept: nothing.
Source: Slack's Block Kit ("actions", "button", "static_select") and the `block_actions` payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.incident import State, Verdict
from alerts.message import Message, Tone

ACKNOWLEDGE, MUTE, CLOSE = "driftline_acknowledge", "driftline_mute", "driftline_close"
_NAME = 100


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button: which, of which incident, who, in which Slack channel; `once` tells it from others.

    `verdict` is what was chosen to close as. `answer_to` is where an answer for this person alone may be posted.
    """

    act: str
    incident: str
    by: str
    channel: str
    once: str
    verdict: Verdict | None = None
    answer_to: str = ""


def block(message: Message) -> dict[str, Any] | None:
    """The row of buttons of a message; None where there is nothing to do about it."""
    detail = message.data.get("detail", {})
    if message.kind != "incident" or message.tone is Tone.GOOD or detail.get("kind") == "channel":
        return None
    incident = str(message.data["id"])
    taken = detail.get("state") != State.OPEN.value
    elements = [] if taken else [{**_button(ACKNOWLEDGE, "Acknowledge", incident), "style": "primary"}]
    elements.append(_button(MUTE, "Mute for a day", incident))
    elements.append(
        {
            "type": "static_select",
            "action_id": CLOSE,
            "placeholder": _plain("Close as …"),
            "options": [{"text": _plain(verdict.value.capitalize()), "value": verdict.value} for verdict in Verdict],
        }
    )
    return {"type": "actions", "block_id": f"driftline:{incident}", "elements": elements}


def pressed(payload: Mapping[str, Any]) -> Press | None:
    """What a `block_actions` payload says; None if it is none of our buttons."""
    if payload.get("type") != "block_actions":
        return None
    for action in payload.get("actions") or ():
        act, of = action.get("action_id"), str(action.get("block_id", ""))
        if act not in (ACKNOWLEDGE, MUTE, CLOSE) or not of.startswith("driftline:"):
            continue
        chosen = (action.get("selected_option") or {}).get("value", "")
        if act == CLOSE and chosen not in set(Verdict):
            continue
        user = payload.get("user") or {}
        name = " ".join(str(user.get("name") or user.get("username") or "someone").split())[:_NAME]
        place = payload.get("channel") or payload.get("container") or {}
        return Press(
            act=act,
            incident=of.removeprefix("driftline:"),
            by=f"{name} (Slack {user.get('id', '?')})",
            channel=str(place.get("id") or place.get("channel_id") or ""),
            once=f"{user.get('id')} {act} {action.get('action_ts')}",
            verdict=Verdict(chosen) if act == CLOSE else None,
            answer_to=str(payload.get("response_url") or ""),
        )
    return None


def _button(act: str, text: str, incident: str) -> dict[str, Any]:
    return {"type": "button", "action_id": act, "text": _plain(text), "value": incident}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
