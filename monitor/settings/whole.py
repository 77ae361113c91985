"""The whole configuration, with the reports made by schedule.

In: plain mappings, already merged and interpolated by `monitor/config/`. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from monitor.settings.alerts import AlertSettings
from monitor.settings.log import LogSettings
from monitor.settings.model import ModelSettings
from monitor.settings.server import ServerSettings
from monitor.settings.types import Cron, Duration, Mark, Section, StateUrl, TimeZone


class ReportSettings(Section):
    """A report made by schedule."""

    name: str = Field(description="names the report's folder and mail")
    cron: Cron = Field("0 8 * * mon", description="five cron fields, in `timezone`")
    timezone: TimeZone = Field("UTC", description="clock of the cron line and of the times shown")
    period: Duration = Field(timedelta(days=7), description="how much each report covers")
    models: tuple[str, ...] = Field((), description="models in it; all when empty")
    to: tuple[str, ...] = Field((), description="channels it is sent to")
    folder: Annotated[Path, Mark.PATH] = Field(Path("reports-out"), description="where the HTML is written")
    keep: int = Field(60, ge=1, description="how many of its reports are kept; older ones are deleted")
    deep_dive: bool = Field(True, description="Evidently's report of the worst breached window, linked")


class Settings(Section):
    """The whole configuration."""

    state: Annotated[StateUrl, Mark.URL] = Field(
        "sqlite:///driftline.db",
        description="database of Driftline's own state: sqlite:///… or postgresql://…",
    )
    log: LogSettings | None = Field(None, description="prediction log of every model that has none of its own")
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="by name; `*` holds defaults")
    alerts: AlertSettings = Field(default_factory=AlertSettings, description="channels and routes")
    reports: tuple[ReportSettings, ...] = Field((), description="reports made by schedule")
    server: ServerSettings = Field(
        default_factory=ServerSettings, description="health, metrics and the dead-man's switch"
    )
    catch_up: Duration = Field(
        timedelta(days=31), description="how far back missed windows are evaluated after downtime"
    )

    def log_of(self, model: str) -> LogSettings | None:
        """The log a model reads: its own, else the common one."""
        return self.models[model].log or self.log

    def dump(self) -> dict[str, Any]:
        """Plain data of every resolved value."""
        return self.model_dump(mode="json", by_alias=True)
