"""The state tables' common ground: one MetaData, and the column types shared with the alerts' tables.

In: nothing. Out: `METADATA`, `Id`, `Instant`. Kept: nothing.
"""

import sqlalchemy as sa

from alerts.tables import Id, Instant

__all__ = ["METADATA", "Id", "Instant"]

METADATA = sa.MetaData()
