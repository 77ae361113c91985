"""Prometheus metrics, on a registry of their own. Labels are names of models, channels and states, so their number
is bounded.

In: counts from the loops. Out: a registry to serve. Kept: the counters, in memory.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Every metric Driftline exposes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.windows = Counter(
            "driftline_windows", "Windows judged, by outcome.", ["model", "status"], registry=self.registry
        )
        self.breaches = Counter("driftline_breaches", "Findings in breach.", ["model"], registry=self.registry)
        self.events = Counter(
            "driftline_incident_events", "Incident changes.", ["model", "event"], registry=self.registry
        )
        self.open_incidents = Gauge(
            "driftline_open_incidents", "Incidents that are open.", ["model"], registry=self.registry
        )
        self.promised = Gauge(
            "driftline_false_alarms_promised",
            "False alarms the budget allows in the last 30 days (as far as the model was watched).",
            ["model"],
            registry=self.registry,
        )
        self.alarms = Gauge(
            "driftline_alarms_30d",
            "Alarms raised in the last 30 days by what people said of them.",
            ["model", "verdict"],
            registry=self.registry,
        )
        self.evaluated_through = Gauge(
            "driftline_evaluated_through_seconds",
            "Unix time up to which every due window has been judged.",
            ["model"],
            registry=self.registry,
        )
        self.evaluation_seconds = Histogram(
            "driftline_evaluation_seconds",
            "Time one evaluation of a model took.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
            registry=self.registry,
        )
        self.blind = Gauge(
            "driftline_log_unreachable", "1 while a model's log cannot be read.", ["model"], registry=self.registry
        )
        self.deliveries = Gauge(
            "driftline_deliveries", "Deliveries by channel and state.", ["channel", "state"], registry=self.registry
        )
        self.dead_channels = Gauge(
            "driftline_channel_dead", "1 while a channel does not deliver.", ["channel"], registry=self.registry
        )
        self.pending_intents = Gauge(
            "driftline_pending_intents", "What is to be said and has not ended yet.", registry=self.registry
        )
        self.config_refused = Gauge(
            "driftline_config_refused", "1 while a changed config is refused.", registry=self.registry
        )
