"""Airflow 3: a run of a DAG, asked for by its REST API.

In: where Airflow is, the DAG, a token. Out: the run's id. Kept: nothing. The run's id is the retraining's key, so
asking twice makes one run: Airflow answers 409 for an id it has, which is success. Source: Airflow 3 stable REST
API, `POST /api/v2/dags/{dag_id}/dagRuns`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from alerts.channels.base import Delivery, Letter
from alerts.channels.post import Address
from alerts.message import Message

_HAS_IT = 409
# The token may be renewed and the DAG deployed while we wait: neither is hopeless.
_TAKEN = frozenset({200, 201, _HAS_IT})


@dataclass(frozen=True)
class Airflow:
    """One DAG. `token` is sent as a bearer token."""

    kind: ClassVar = "airflow"
    lanes: ClassVar = 1
    url: str
    dag: str
    token: str = field(repr=False)
    allow: tuple[str, ...] = ()
    timeout: float = 15.0
    _address: Address = field(init=False, repr=False)

    def __post_init__(self) -> None:
        runs = f"{self.url.rstrip('/')}/api/v2/dags/{quote(self.dag, safe='')}/dagRuns"
        object.__setattr__(self, "_address", Address(runs, self.allow, "airflow", self.timeout))

    @property
    def endpoint(self) -> str:
        return self._address.name

    def render(self, message: Message, letter: Letter) -> bytes:
        """The run to be made: what the job is told is its `conf`."""
        run = {"dag_run_id": letter.key, "logical_date": None, "conf": dict(message.data)}
        return json.dumps(run, ensure_ascii=False, allow_nan=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Ask for the run once."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        answer = self._address.post(delivery.body, headers)
        if answer.status not in _TAKEN:
            raise answer.error(delivery.at, "Airflow")
        note = "it had this run already" if answer.status == _HAS_IT else ""
        return {"status": answer.status, "dag_run_id": delivery.key, "note": note}
