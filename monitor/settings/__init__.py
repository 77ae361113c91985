"""The configuration as values: one pydantic model a section, unknown keys refused.

How a key is written is told by its field's description, from which docs/config.md is written. One concern a file:
`log.py`, `model.py` (with `events.py`, `outcomes.py`, `triggers.py`), `alerts.py`, `server.py`, `whole.py` (which joins
them), on the scalar forms of `types.py`.
"""

from monitor.settings.alerts import (
    AlertSettings,
    ChannelSettings,
    ConsoleSettings,
    DigestSettings,
    EmailSettings,
    EscalationSettings,
    MuteTimeSettings,
    RouteSettings,
    SlackSettings,
    WebhookSettings,
)
from monitor.settings.events import EventSettings
from monitor.settings.log import LabelSettings, LogSettings
from monitor.settings.model import (
    BaselineSettings,
    Cadence,
    Columns,
    DetectorSettings,
    Features,
    ModelSettings,
)
from monitor.settings.outcomes import BusinessSettings, CostSettings, MetricSettings, TrainingSettings
from monitor.settings.server import ActionSettings, ServerSettings, TokenSettings
from monitor.settings.triggers import AirflowSettings, GithubSettings, TriggerSettings
from monitor.settings.whole import ReportSettings, Settings

__all__ = [
    "ActionSettings",
    "AirflowSettings",
    "AlertSettings",
    "BaselineSettings",
    "BusinessSettings",
    "Cadence",
    "ChannelSettings",
    "Columns",
    "ConsoleSettings",
    "CostSettings",
    "DetectorSettings",
    "DigestSettings",
    "EmailSettings",
    "EscalationSettings",
    "EventSettings",
    "Features",
    "GithubSettings",
    "LabelSettings",
    "LogSettings",
    "MetricSettings",
    "ModelSettings",
    "MuteTimeSettings",
    "ReportSettings",
    "RouteSettings",
    "ServerSettings",
    "Settings",
    "SlackSettings",
    "TokenSettings",
    "TrainingSettings",
    "TriggerSettings",
    "WebhookSettings",
]
