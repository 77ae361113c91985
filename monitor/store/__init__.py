"""The state database. `open_store(url)` is the way in; each table has its own module with its SQL."""

from monitor.store.engine import Store
from monitor.store.migrate import open_store

__all__ = ["Store", "open_store"]
