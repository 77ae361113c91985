"""How many ids of an hour were looked at, and how many of them came more than once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("ids", "repeats"):
        op.add_column("slots", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
