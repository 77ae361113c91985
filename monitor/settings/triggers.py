"""When and how a model is trained again: the trigger's policy and its target.

In: plain mappings. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from monitor.settings.types import Cron, Duration, Http, Mark, Section, parse_often


class AirflowSettings(Section):
    """A DAG of Airflow 3, run by its REST API; the retraining's key is the run's id, so asking twice makes one run."""

    url: Annotated[Http, Mark.ADDRESS] = Field(description="where Airflow is")
    dag: str = Field(description="id of the DAG; what the job is told is the run's `conf`")
    token: Annotated[str, Mark.HIDDEN] = Field(description="bearer token")


class GithubSettings(Section):
    """A workflow of GitHub Actions with `on: workflow_dispatch`."""

    repository: str = Field(description="`owner/name`")
    workflow: str = Field(description="the workflow's file name, `retrain.yml`")
    token: Annotated[str, Mark.HIDDEN] = Field(description="token that may write actions")
    ref: str = Field("main", description="branch or tag whose workflow runs")
    input: str = Field("driftline", description="the workflow's input that takes what it is told, as JSON")
    api_url: Http = Field("https://api.github.com", description="for GitHub Enterprise, or a proxy")

    @field_validator("repository")
    @classmethod
    def _repository(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", value):
            raise ValueError("write owner/name")
        return value


class TriggerSettings(Section):
    """Has a model trained again: exactly one of url, airflow, github, and when."""

    url: Annotated[Http | None, Mark.ADDRESS] = Field(None, description="where the signed event is posted")
    secret: Annotated[str | None, Mark.HIDDEN] = Field(
        None, description="with url: Standard Webhooks secret (`whsec_…`)"
    )
    airflow: AirflowSettings | None = Field(None, description="a DAG of Airflow 3")
    github: GithubSettings | None = Field(None, description="a workflow of GitHub Actions")
    allow: tuple[str, ...] = Field((), description="networks (CIDR) that may be reached though they are private")
    when: Literal["degradation", "drift", "schedule"] = Field(
        "degradation",
        description="the model has become worse; also when its inputs have changed; or by `cron`",
    )
    cron: Cron | None = Field(None, description="with when: schedule, five cron fields in the model's time zone")
    confirm: int = Field(
        2,
        ge=1,
        description="how many windows of one horizon must have breached since the trouble began (or came back)",
    )
    cooldown: Duration = Field(timedelta(days=7), description="least time between two firings")
    at_most: str | None = Field(None, description="how often at most, whatever happens: `2 per 30d`")
    approval: bool = Field(False, description="ask a person first: `driftline trigger approve`")
    dry_run: bool = Field(False, description="write down what would have been asked, and call nobody")

    @model_validator(mode="after")
    def _whole(self) -> TriggerSettings:
        if sum(target is not None for target in (self.url, self.airflow, self.github)) != 1:
            raise ValueError("give exactly one of url, airflow or github")
        if self.secret and self.url is None:
            raise ValueError("secret goes with url")
        if (self.when == "schedule") != (self.cron is not None):
            raise ValueError("cron goes with when: schedule")
        if self.approval and self.dry_run:
            raise ValueError("a dry run needs no approval: give one of the two")
        return self

    @field_validator("at_most")
    @classmethod
    def _often(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[1-9]\d* per \d+[dhw]", value.strip()):
            raise ValueError(f"{value!r} says no number; write `2 per 30d`")
        return value

    @property
    def limit(self) -> tuple[int, timedelta] | None:
        """How often within which time it may fire; None for no such limit."""
        if self.at_most is None:
            return None
        count, length = parse_often(self.at_most)
        return int(count), length
