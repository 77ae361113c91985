"""GitHub Actions: a workflow started by its dispatch event.

In: a repository, a workflow, a token. Out: success. Kept: nothing. GitHub knows no key by which it could tell that it
was asked before, so what may have arrived is never sent again: a person looks. Source: GitHub REST API,
`POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from alerts.channels.base import Delivery, DeliveryError, Letter
from alerts.channels.post import Address
from alerts.message import Message

_TAKEN = frozenset({200, 204})
# No such workflow, no right to it: asking again changes nothing before somebody does.
_HOPELESS = frozenset({401, 403, 404})
MAYBE = "the answer was lost: the workflow may have been started. Look, then retry or settle it by hand"


@dataclass(frozen=True)
class Github:
    """One workflow of one repository (`owner/name`); `input` is the workflow's input that takes the event as JSON."""

    kind: ClassVar = "github"
    lanes: ClassVar = 1
    repository: str
    workflow: str
    token: str = field(repr=False)
    ref: str = "main"
    input: str = "driftline"
    api: str = "https://api.github.com"
    allow: tuple[str, ...] = ()
    timeout: float = 15.0
    _address: Address = field(init=False, repr=False)

    def __post_init__(self) -> None:
        path = f"/repos/{quote(self.repository)}/actions/workflows/{quote(self.workflow, safe='')}/dispatches"
        object.__setattr__(self, "_address", Address(self.api.rstrip("/") + path, self.allow, "github", self.timeout))

    @property
    def endpoint(self) -> str:
        return self._address.name

    def render(self, message: Message, letter: Letter) -> bytes:
        """The dispatch; the workflow reads the event from its input."""
        event = json.dumps(dict(message.data), ensure_ascii=False, allow_nan=False)
        return json.dumps({"ref": self.ref, "inputs": {self.input: event}}, ensure_ascii=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Start the workflow once, and never when an earlier attempt may have."""
        if delivery.ambiguous:
            raise DeliveryError(MAYBE, retryable=False, ambiguous=True)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {self.token}",
        }
        try:
            answer = self._address.post(delivery.body, headers)
        except DeliveryError as error:
            if not error.ambiguous:
                raise
            raise DeliveryError(f"{MAYBE} ({error})", retryable=False, ambiguous=True) from error
        if answer.status in _TAKEN:
            return {"status": answer.status}
        said = answer.error(delivery.at, "GitHub", _HOPELESS)
        if said.ambiguous:
            raise DeliveryError(f"{MAYBE} ({said})", retryable=False, ambiguous=True)
        raise said
