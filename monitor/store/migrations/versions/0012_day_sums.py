"""Beside a day's counts what a calibration makes of them, so that a sliding window works out one day anew."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("day_profiles", sa.Column("taught", sa.String(length=32), nullable=True))
    op.add_column("day_profiles", sa.Column("sums", sa.LargeBinary(), nullable=True))
