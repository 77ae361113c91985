"""Who hears of what, and the reason given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts import matching
from alerts.errors import AlertError
from alerts.routing import Reason, Route, Silence, Timing, decide
from detectors.result import Severity
from tests.support.incidents import DAY0, opened

INCIDENT = replace(opened().incident, severity=Severity.CRITICAL)


def channels(*routes: Route) -> list[str]:
    return list(decide(INCIDENT, routes, [], DAY0).channels)


def test_the_first_route_that_matches() -> None:
    routes = [Route(("oncall",), {"severity": ("critical",)}), Route(("team",))]
    assert channels(*routes) == ["oncall"]
    decision = decide(replace(INCIDENT, severity=Severity.INFO), routes, [], DAY0)
    assert list(decision.channels) == ["team"]
    assert str(decision) == "routed: by route 2"


def test_a_route_that_goes_on() -> None:
    routes = [
        Route(("oncall", "team"), {"severity": ("critical",)}, go_on=True, timing=Timing(timedelta(minutes=5))),
        Route(("team", "boss")),
        Route(("nobody",)),
    ]
    decision = decide(INCIDENT, routes, [], DAY0)
    assert list(decision.channels) == ["oncall", "team", "boss"]
    assert decision.channels["team"].group_wait == timedelta(minutes=5)
    assert str(decision) == "routed: by route 1 and 2"


@pytest.mark.parametrize(
    ("matchers", "hit"),
    [
        ({}, True),
        ({"model": ("flight-delay",)}, True),
        ({"model": ("flight",)}, False),
        ({"model": ("~flight-.*",)}, True),
        ({"model": ("~flight",)}, False),
        ({"model": ("other", "flight-delay")}, True),
        ({"owner": ("flights",), "kind": ("drift",)}, True),
        ({"owner": ("flights",), "kind": ("data",)}, False),
        ({"diagnosis": ("~drift|not enough .*",)}, True),
        ({"severity": ("~warning|critical",)}, True),
    ],
)
def test_matchers(matchers: dict[str, tuple[str, ...]], hit: bool) -> None:
    assert matching.matches(matchers, INCIDENT) is hit


def test_no_route_is_a_named_reason() -> None:
    decision = decide(INCIDENT, [Route(("team",), {"model": ("other",)})], [], DAY0)
    assert decision.reason is Reason.NO_ROUTE
    assert str(decision) == "no route matches"


def test_a_silence_mutes_only_while_it_lasts() -> None:
    hour = timedelta(hours=1)
    silence = Silence(7, {"model": ("flight-delay",)}, "ada", "snow storm", DAY0, DAY0 + hour)
    reasons = [
        decide(INCIDENT, [Route(("team",))], [silence], at).reason
        for at in (DAY0 - hour, DAY0, DAY0 + hour - timedelta(seconds=1), DAY0 + hour)
    ]
    assert reasons == [Reason.ROUTED, Reason.SILENCED, Reason.SILENCED, Reason.ROUTED]
    assert str(decide(INCIDENT, [], [silence], DAY0)) == "silenced: by silence 7 of ada (snow storm)"


def test_wrong_matchers_are_refused() -> None:
    with pytest.raises(AlertError, match="colour"):
        matching.check({"colour": ("red",)})
    with pytest.raises(AlertError, match="not a regular expression"):
        matching.check({"model": ("~(",)})
