"""Whose error is whose, and what is shown of it."""

from __future__ import annotations

import errno
import importlib

import pytest

from alerts.errors import ChannelError
from detectors.result import DetectorError
from monitor.config.errors import ConfigError, Place, Problem
from monitor.errors import _ROOM_BASES, Exit, UserError, classify
from monitor.prediction_log.base import LogUnreachable
from monitor.store.errors import SchemaMismatch
from reports.errors import ReportError


@pytest.mark.parametrize(
    "error",
    [
        UserError("say why"),
        ConfigError([Problem(Place("c.yaml", 1, 2), "state", "say why")]),
        LogUnreachable("say why"),
        SchemaMismatch("say why"),
        DetectorError("say why"),
        ChannelError("say why"),
        ReportError("say why"),
    ],
)
def test_every_rooms_errors_are_the_users(error: Exception) -> None:
    code, message = classify(error)
    assert code is Exit.MISTAKE
    assert message.endswith("say why")


@pytest.mark.parametrize("base", sorted(_ROOM_BASES))
def test_the_bases_named_exist(base: str) -> None:
    """They are named by text, so a renamed class would silently become a fault of ours."""
    module, name = base.rsplit(".", 1)
    assert issubclass(getattr(importlib.import_module(module), name), Exception)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full: /var/x"),
        (errno.EROFS, "the file system is read-only: /var/x"),
        (errno.EACCES, "permission denied: /var/x"),
    ],
)
def test_what_the_machine_refuses_is_the_users_to_mend(number: int, message: str) -> None:
    assert classify(OSError(number, "os says", "/var/x")) == (Exit.MISTAKE, message)


def test_anything_else_is_ours_on_one_line() -> None:
    assert classify(RuntimeError("first\nsecond")) == (Exit.OURS, "RuntimeError: first")
    assert classify(ZeroDivisionError()) == (Exit.OURS, "ZeroDivisionError")
    assert classify(OSError(errno.ENOTDIR, "not a directory"))[0] is Exit.OURS


def test_passwords_in_urls_are_hidden() -> None:
    assert classify(LogUnreachable("cannot open postgresql://me:pw@db/x?password=pw2"))[1] == (
        "cannot open postgresql://me:***@db/x?password=***"
    )
    assert "pw" not in classify(RuntimeError("smtp://me:pw@host"))[1]
