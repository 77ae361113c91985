"""The configuration: files in, one frozen `Config` out, or every mistake in them at once. `load` is the way in."""

from monitor.config.load import DEFAULT_FILES, Config, Value, find_config, load

__all__ = ["DEFAULT_FILES", "Config", "Value", "find_config", "load"]
