"""The demo's training job: asked by a signed request, it serves what proved better, and its rates are told."""

from __future__ import annotations

import io
import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console
from sklearn.metrics import log_loss as sklearn_log_loss
from structlog.testing import capture_logs

from alerts.signing import secrets_of, sign
from alerts.triggers import retrainings
from alerts.triggers.policy import Firing
from alerts.triggers.retrainings import Stage
from detectors.result import Finding, Kind, Status, Window
from monitor.clock import SetClock
from monitor.demo.driver import tell_retrained, tell_since
from monitor.demo.flights import CATEGORIES, FEATURES
from monitor.demo.job import Attending
from monitor.demo.model import DelayModel, calibrated, log_loss
from monitor.demo.prepare import MODEL, label_rows, prediction_rows
from monitor.demo.receiver import Receiver
from monitor.demo.recovery import Recovery
from monitor.demo.trainer import Retrained, retrain
from monitor.prediction_log.base import LogMismatch
from monitor.prediction_log.delta import LABELS, DeltaLog, DeltaRows, table_location
from monitor.prediction_log.labels import RowLabels
from monitor.settings import Columns
from monitor.store import evaluations, open_store
from monitor.store.evaluations import DONE, Evaluation
from monitor.windows import Aspect

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START, NOW = datetime(2013, 2, 1, 5, tzinfo=UTC), datetime(2013, 4, 10, 14, tzinfo=UTC)
CLOCK = SetClock(NOW)
COLUMNS = Columns(timestamp="ts", id="prediction_id", version="model_version", score="score", prediction="prediction")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(0, SECRET, CLOCK.now)
    CLOCK.moment = NOW
    yield made
    made.close()


def post(receiver: Receiver, key: str, secret: str = SECRET, body: bytes | None = None) -> int:
    content = json.dumps({"data": {"key": key}}).encode() if body is None else body
    headers = sign(secrets_of(secret), "msg_1", NOW, content)
    request = urllib.request.Request(f"http://127.0.0.1:{receiver.port}/retrain", content, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)


def test_only_signed_requests_are_taken_and_each_once(receiver: Receiver) -> None:
    assert post(receiver, "k", "whsec_" + "A" * 32) == 401
    assert post(receiver, "k", body=b"[]") == 401
    assert [post(receiver, key) for key in ("k", "k", "l")] == [202, 202, 202]
    assert [asked["key"] for asked in receiver.asked()] == ["k", "l"]
    assert receiver.asked() == []
    CLOCK.moment = NOW + timedelta(days=1)
    assert post(receiver, "m") == 401, "a signature of yesterday"


def test_of_a_clock_that_runs_fast_signatures_hold_as_long_as_by_the_wall() -> None:
    made = Receiver(0, SECRET, lambda: NOW + timedelta(hours=9), timedelta(minutes=5) * 7200)
    assert post(made, "k") == 202
    made.close()
    slow = Receiver(0, SECRET, lambda: NOW + timedelta(hours=9))
    assert post(slow, "k") == 401
    slow.close()


def flights(late_now: float) -> pd.DataFrame:
    """Two months of flights whose delay follows the wind; in the last four weeks before `NOW` a share is late."""
    rng, n = np.random.default_rng(0), 8_000
    ts = pd.date_range(START, periods=n, freq="15min")
    frame = pd.DataFrame({name: rng.normal(size=n) for name in FEATURES if name not in CATEGORIES})
    for name in CATEGORIES:
        frame[name] = rng.choice(["a", "b"], n)
    for name in ("distance", "departure_minute", "arrival_minute", "plane_age", "seats", "engines"):
        frame[name] = rng.integers(1, 100, n)
    rate = np.where(ts >= NOW - timedelta(days=28), late_now, 0.4)
    chance = np.clip(rate + 0.15 * np.sign(frame["wind_speed"]), 0.0, 1.0)
    frame = frame.assign(prediction_id=[f"f{i}" for i in range(n)], ts=ts, tailnum="N1", score=0.4)
    return frame.assign(late=(rng.random(n) < chance).astype(float), landed=ts + timedelta(hours=3))


def logged(folder: Path, frame: pd.DataFrame) -> tuple[DeltaLog, RowLabels]:
    log = DeltaLog(str(folder), MODEL, COLUMNS)
    log.append(prediction_rows(frame), "rows")
    log.append_labels(label_rows(frame), "labels")
    source = DeltaRows(table_location(str(folder), MODEL, LABELS), "received_at")
    return log, RowLabels(source, id="id", label="label", received_at="received_at")


def served(log: DeltaLog, name: str) -> pd.Series:
    everything = log.batches(START, datetime(2014, 1, 1, tzinfo=UTC), ["ts", "model_version", name])
    return pa.Table.from_batches(list(everything)).to_pandas()


def test_what_is_better_serves_from_midnight_on_and_its_rate_is_the_true_one(tmp_path: Path) -> None:
    frame = flights(late_now=0.2)
    log, labels = logged(tmp_path, frame)
    made = retrain(log, labels, lambda: NOW)
    assert (made.better, made.version, made.since) == (True, "2013-04-11", datetime(2013, 4, 11, 4, tzinfo=UTC))
    known = frame[frame["landed"] < NOW]
    held = known[known["ts"] >= NOW - timedelta(days=28)]
    # No label from after now, none of those held out in training.
    assert (made.held_out, made.rows) == (len(held), len(known) - len(held))
    assert made.said[0] == pytest.approx(0.4)
    assert made.said[1] == pytest.approx(made.true, abs=0.001)
    assert made.losses[0] == pytest.approx(sklearn_log_loss(held["late"], np.full(len(held), 0.4)))
    rows = served(log, "score")
    assert len(rows) == len(frame)
    before = rows["ts"] < made.since
    assert set(rows["model_version"][before]) == {"2013-01"}
    assert set(rows["model_version"][~before]) == {made.version}
    assert rows["score"][~before].mean() == pytest.approx(0.2, abs=0.03)
    with pytest.raises(LogMismatch, match="rows before"):
        log.replace_from(NOW, prediction_rows(frame))


def test_days_that_pass_while_it_trains_stay_as_they_were_served(
    tmp_path: Path,
) -> None:
    frame = flights(late_now=0.2)
    log, labels = logged(tmp_path, frame)
    passing = itertools.count()
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    with store.begin() as connection:
        retrainings.add(connection, Firing("retrain", MODEL, "2013-01", "k", NOW, ()), {}, NOW)
    with closing(Receiver(0, SECRET, lambda: NOW)) as asked, capture_logs() as told:
        job = Attending(asked, store, log, labels, lambda: NOW + timedelta(days=next(passing)))
        assert post(asked, "k") == 202
        job.attend(look=False)
        # Asked on the 10th, trained until the 11th, scored until the 12th.
        since = datetime(2013, 4, 13, 4, tzinfo=UTC)
        rows = served(log, "score")
        assert set(rows["model_version"][rows["ts"] < since]) == {"2013-01"}
        assert set(rows["model_version"][rows["ts"] >= since]) == {"2013-04-13"}
        with store.read() as connection:
            end = retrainings.get(connection, "k")
        assert (end.stage, end.new_version) == (Stage.SUCCEEDED, "2013-04-13")
        with store.begin() as connection:
            evaluations.record(connection, judged("2013-04-13", since, 7))
        job.attend(look=True)
    store.close()
    first, week = told
    assert first["event"] == "retrained"
    assert first["serves_from"] == since.isoformat()
    assert week["event"] == "the first week of a retrained version"
    assert (week["predicted_rate"], week["true_rate"]) == (0.15, 0.17)


def test_what_is_no_better_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = flights(late_now=0.4)
    frame["score"] = (0.4 + 0.15 * np.sign(frame["wind_speed"])).round(6)  # the law itself: nothing beats it
    log, labels = logged(tmp_path, frame)
    before = log.token()
    made = retrain(log, labels, lambda: NOW)
    assert not made.better
    assert made.losses[1] > made.losses[0]
    assert log.token() == before


def test_calibration_moves_the_mean_alone() -> None:
    class Fixed:
        def predict_proba(self, inputs: pd.DataFrame) -> np.ndarray:
            late = inputs["wind_speed"].to_numpy()
            return np.stack([1.0 - late, late], axis=1)

    frame = flights(0.2).head(1000).assign(wind_speed=np.linspace(0.05, 0.95, 1000))
    known = dict.fromkeys(CATEGORIES, ("a", "b"))
    model = calibrated(DelayModel(Fixed(), known), frame.assign(late=(np.arange(1000) % 4 == 0).astype(float)))
    score = model.score(frame)
    assert score.mean() == pytest.approx(0.25, abs=1e-5)
    assert (np.diff(score) > 0).all()
    late = frame["late"].to_numpy()
    assert log_loss(late, score) == pytest.approx(sklearn_log_loss(late, score))


MADE = Retrained("v2", NOW, True, 1000, 100, 0.13, (0.26, 0.14), (0.46, 0.37))


def judged(version: str, start: datetime, days: int, **detail: object) -> Evaluation:
    window = Window(f"{days}d", start, start + timedelta(days=days))
    told = {"true_rate": 0.17, "predicted_rate": 0.15, **detail}
    finding = Finding(
        MODEL, version, window, None, "model", Kind.PERFORMANCE, "rate_bias", -0.02, None, None, None, Status.OK, 9, 0,
        NOW, "b", "c", "p", told,
    )  # fmt: skip
    return Evaluation(
        MODEL, version, "b", window, Aspect.PERFORMANCE, 0, DONE, "", 9, "", NOW, NOW, "c", "p", (finding,)
    )


def test_a_retrained_versions_first_whole_windows_are_told_once() -> None:
    recovery = Recovery()
    recovery.follow(MADE)
    early = judged("v2", NOW - timedelta(days=1), 7)
    other, unsure = judged("v1", NOW, 7), judged("v2", NOW, 7, preliminary=True)
    assert recovery.seen([early, other, unsure]) == []
    assert recovery.seen([replace(judged("v2", NOW, 7), aspect=Aspect.INPUTS)]) == []
    (week,) = recovery.seen([judged("v2", NOW, 7)])
    assert (week.span, week.true, week.predicted) == ("week", 0.17, 0.15)
    assert recovery.seen([judged("v2", NOW + timedelta(days=1), 7)]) == []
    (weeks,) = recovery.seen([judged("v2", NOW, 28)])
    screen = Console(file=io.StringIO(), width=200)
    tell_since(weeks, NOW, screen)
    tell_retrained(MADE, NOW, screen)
    tell_retrained(replace(MADE, better=False), NOW, screen)
    told = screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "version v2 in its first four weeks: predicted 15% late, 17% were (before it" in told
    assert "retrained on 1,000 flights; version v2 serves from 10 Apr 2013 on" in told
    assert "the version before predicts 26%, this one 14%; log loss 0.460, now 0.370" in told
    assert "nothing changes" in told
