"""The same problem in two models, from their logs to one message and what people do to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cycle import blind
from monitor.service import wiring
from monitor.store import incidents
from tests.support.flow import DAY, HOUR, START, Flow, rows, with_column

MODELS = {name: {"horizons": ["1d"], "baseline": {"learn": "2d"}} for name in ("a", "b")}
END = START + 3 * DAY + 2 * HOUR
RUN = CliRunner()


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """Two models of one log, both of which lose the column `amount` on the third day."""
    flow = Flow(tmp_path_factory.mktemp("fleets"))
    for number, model in enumerate(MODELS):
        flow.put(rows(hours=48, seed=number), model)
        broken = rows(START + 2 * DAY, 24, seed=10 + number)
        flow.put(with_column(broken, "amount", pa.array([None] * broken.num_rows, pa.float64())), model)
    list(flow.engine(MODELS).advance(END))
    yield flow
    flow.close()


def invoke(flow: Flow, *words: str) -> str:
    result = RUN.invoke(app, [*words, "-c", str(flow.path)])
    assert result.exit_code == 0, result.output
    return result.output


def test_one_lost_column_is_one_message_that_lists_the_models(flow: Flow) -> None:
    store = flow.store()
    with store.read() as connection:
        first, second = incidents.listing(connection, open_only=True)
        assert (first.model, second.model, second.lead) == ("a", "b", first.id)
        assert [one.id for one in incidents.fleet(connection, first.id)] == [first.id, second.id]
    deliverer = wiring.make_deliverer(flow.config(MODELS).settings, store.begin)
    deliverer.flush(END)
    deliverer.deliver(END, wait=30)
    told = [json.loads(line) for line in invoke(flow, "route", "explain", first.id, "--json").splitlines()]
    assert [one["outcome"] for one in told if one["type"] == "intent"] == ["coalesced"]
    assert {"type": "decision", "what": "decision", "reason": "routed", "note": "by route 1"} in told

    shown = invoke(flow, "incidents", "show", second.id)
    assert f"told together: a ({first.id}, open), b ({second.id}, open)" in " ".join(shown.split())
    assert "told" in shown
    assert "console: opened" in shown

    assert "acknowledged" in invoke(flow, "incidents", "ack", first.id, "--by", "ada")
    with store.read() as connection:
        assert {one.state.value for one in incidents.fleet(connection, first.id)} == {"acknowledged"}
    assert "route 1" in invoke(flow, "route", "explain", second.id)


def test_a_log_that_neither_model_can_read_is_one_problem(tmp_path: Path) -> None:
    flow = Flow(tmp_path)
    world = flow.world(MODELS)
    events = [event for model in MODELS for event in blind(world, model, END, END, "refused").events]
    assert [event.incident.stream for event in events] == [events[0].incident.id] * 2
    flow.close()


def test_an_incident_there_is_not(flow: Flow) -> None:
    result = RUN.invoke(app, ["route", "explain", "nothing", "-c", str(flow.path)])
    assert result.exit_code == 2
    assert "there is no incident 'nothing'" in result.output


def test_a_silence_is_moved(flow: Flow) -> None:
    invoke(flow, "silence", "add", "model=a", "--for", "4h", "--reason", "storm", "--author", "ada")
    moved = invoke(flow, "silence", "extend", "1", "--until", "2100-01-01T00:00", "--json")
    assert json.loads(moved)["ends_at"] == "2100-01-01T00:00:00Z"
    assert RUN.invoke(app, ["silence", "extend", "9", "--for", "4h", "-c", str(flow.path)]).exit_code == 2
