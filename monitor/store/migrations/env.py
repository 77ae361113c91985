"""Alembic's entry: runs the migrations on the connection that `migrate.py` hands over."""

from alembic import context

from alerts.tables import METADATA as ALERTS
from monitor.store.metadata import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=[METADATA, ALERTS], transactional_ddl=False)
context.run_migrations()
