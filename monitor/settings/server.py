"""How the running service is reached: health, metrics, pages, and who may act through them.

In: plain mappings. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from monitor.settings.types import Duration, Http, Listen, Mark, Section

Scope = Literal["acknowledge", "close", "mute", "retrain"]
_SHORTEST = 16


class TokenSettings(Section):
    """One caller of the actions over HTTP, and what it may do."""

    token: Annotated[str | None, Mark.HIDDEN] = Field(
        None, description="sent as `Authorization: Bearer …`; at least 16 characters. Empty: this caller is shut out"
    )
    scopes: tuple[Scope, ...] = Field(
        min_length=1,
        description="of acknowledge, close, mute and retrain (say yes, no or done to a retraining)",
    )

    @field_validator("token")
    @classmethod
    def _long(cls, value: str | None) -> str | None:
        if value and len(value) < _SHORTEST:
            raise ValueError(f"a token of fewer than {_SHORTEST} characters can be guessed")
        return value


class ActionSettings(Section):
    """Acknowledging, closing and muting over HTTP. Without a secret and tokens nothing can be changed that way."""

    secret: Annotated[str | None, Mark.HIDDEN] = Field(
        None, description="signs the links by which messages let people act; at least 16 characters"
    )
    valid: Duration = Field(timedelta(days=7), description="how long such a link can be used")
    tokens: dict[str, TokenSettings] = Field(default_factory=dict, description="callers of the API, by name")
    hosts: tuple[str, ...] = Field(
        (), description="further names this server is reached by; requests for others are refused"
    )

    @field_validator("secret")
    @classmethod
    def _long(cls, value: str | None) -> str | None:
        if value and len(value) < _SHORTEST:
            raise ValueError(f"a secret of fewer than {_SHORTEST} characters can be guessed")
        return value


class ServerSettings(Section):
    """Health, metrics, pages and the dead-man's switch."""

    listen: Listen | None = Field("127.0.0.1:8787", description="host:port of /healthz and the pages; null for none")
    metrics: Listen | None = Field("127.0.0.1:9187", description="host:port of /metrics; null for none")
    public_url: Http | None = Field(None, description="how this server is reached from outside; used in links")
    heartbeat: Annotated[Http | None, Mark.ADDRESS] = Field(
        None, description="URL fetched after each round in which evaluation and delivery progressed"
    )
    actions: ActionSettings = Field(
        default_factory=ActionSettings, description="acknowledging, closing and muting over HTTP"
    )
