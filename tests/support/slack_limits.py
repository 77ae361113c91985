"""Slack's published limits, as a validator: what is wrong with a payload of `chat.postMessage`.

In: the payload. Out: one line a violation. Kept: nothing. Sources: docs.slack.dev, the references of chat.postMessage
("text" 40,000 characters, cut by us long before), Block Kit blocks and elements, legacy attachments, message metadata.
"""

from __future__ import annotations

import re
from typing import Any

_TEXT, _TOTAL = 4000, 13_000
_LINK = re.compile(
    r"<(https?://[^\s<>|]+)(\|[^<>|]*)?>|<!(here|channel|everyone)>|<@[UW][A-Z0-9]+>|<!subteam\^[A-Z0-9]+>"
)


def problems(payload: dict[str, Any]) -> list[str]:
    """Everything Slack would refuse, or show as something else than text."""
    found: list[str] = []
    total = [0]

    def text(value: object, limit: int, where: str, least: int = 1) -> None:
        if not isinstance(value, str):
            found.append(f"{where}: no text")
            return
        total[0] += len(value)
        if not least <= len(value) <= limit:
            found.append(f"{where}: {len(value)} characters, {least} to {limit} allowed")
        if re.search(r"&(?!amp;|lt;|gt;)", value) or re.search(r"[<>]", _LINK.sub("", value)):
            found.append(f"{where}: &, < or > is not escaped")
        if re.search(r"[\x00-\x08\x0b-\x1f]", value):
            found.append(f"{where}: control characters")

    def composed(value: Any, limit: int, where: str, kinds: tuple[str, ...]) -> None:
        if not isinstance(value, dict) or value.get("type") not in kinds:
            found.append(f"{where}: must be one of {kinds}")
            return
        text(value.get("text"), limit, where)

    def element(value: dict[str, Any], where: str) -> None:
        if value["type"] == "static_select":
            composed(value.get("placeholder"), 150, f"{where}.placeholder", ("plain_text",))
            if not 1 <= len(value.get("options", [])) <= 100 or len(value.get("action_id", "")) > 255:
                found.append(f"{where}: 1 to 100 options, an action_id of 255 at most")
            for option in value.get("options", []):
                composed(option.get("text"), 75, f"{where}.options", ("plain_text",))
                if not 1 <= len(option.get("value", "")) <= 150:
                    found.append(f"{where}.options: a value of 1 to 150 characters")
            return
        if value["type"] != "button":
            found.append(f"{where}: {value['type']} is not expected")
            return
        composed(value.get("text"), 75, f"{where}.text", ("plain_text",))
        for name, limit in (("action_id", 255), ("value", 2000), ("url", 3000)):
            if len(value.get(name, "")) > limit:
                found.append(f"{where}.{name}: longer than {limit}")
        if "style" in value and value["style"] not in ("primary", "danger"):
            found.append(f"{where}.style: {value['style']}")
        if "confirm" in value:
            for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
                composed(value["confirm"].get(name), limit, f"{where}.confirm.{name}", ("plain_text", "mrkdwn"))

    def block(value: dict[str, Any], where: str) -> None:
        kind = value["type"]
        if len(value.get("block_id", "")) > 255:
            found.append(f"{where}.block_id: longer than 255")
        if kind == "section":
            if "text" in value:
                composed(value["text"], 3000, where, ("mrkdwn", "plain_text"))
            if len(value.get("fields", [])) > 10 or not ("text" in value or value.get("fields")):
                found.append(f"{where}: no text, or more than 10 fields")
            for field in value.get("fields", []):
                composed(field, 2000, where, ("mrkdwn", "plain_text"))
        elif kind == "header":
            composed(value.get("text"), 150, where, ("plain_text",))
        elif kind == "context":
            if not 1 <= len(value["elements"]) <= 10:
                found.append(f"{where}: 1 to 10 elements")
            for one in value["elements"]:
                composed(one, 3000, where, ("mrkdwn", "plain_text"))
        elif kind == "actions":
            if not 1 <= len(value["elements"]) <= 25:
                found.append(f"{where}: 1 to 25 elements")
            names = [one.get("action_id") for one in value["elements"]]
            if len(set(names)) != len(names):
                found.append(f"{where}: action_id twice")
            for one in value["elements"]:
                element(one, where)
        elif kind == "image":
            text(value.get("alt_text"), 2000, f"{where}.alt_text")
            if not re.fullmatch(r"https?://\S{1,2990}", value.get("image_url", "")):
                found.append(f"{where}: image_url")
        elif kind != "divider":
            found.append(f"{where}: no block {kind}")

    text(payload.get("text"), _TEXT, "text")
    attachments = payload.get("attachments", [])
    if len(attachments) > 20:
        found.append("more than 20 attachments")
    holders = [("", payload), *((f"attachments[{place}].", one) for place, one in enumerate(attachments))]
    for name, holder in holders:
        if len(holder.get("blocks", [])) > 50:
            found.append(f"{name}blocks: more than 50")
        for place, one in enumerate(holder.get("blocks", [])):
            block(one, f"{name}blocks[{place}]")
    for name, holder in holders[1:]:
        if "fallback" in holder:
            text(holder["fallback"], _TEXT, f"{name}fallback")
        if not re.fullmatch(r"#[0-9a-f]{6}|good|warning|danger", holder.get("color", "good")):
            found.append(f"{name}color")
    if total[0] > _TOTAL:
        found.append(f"{total[0]} characters in all, {_TOTAL} allowed")
    metadata = payload.get("metadata")
    if metadata is not None and (set(metadata) != {"event_type", "event_payload"} or len(str(metadata)) > 16_000):
        found.append("metadata: event_type and event_payload, 16 KB at most")
    return found
