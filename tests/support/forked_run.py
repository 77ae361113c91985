"""Everything `driftline run` imports, for the server that its test processes are forked from."""

import sqlalchemy.dialects.sqlite

import monitor.cli
import monitor.cli.run
import monitor.config
import monitor.daemon

__all__ = ["monitor", "sqlalchemy"]
