"""Samples of rows by hour, and what a baseline's days say of the joint distribution."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("version", sa.String(200), nullable=False),
        sa.Column("grid", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("model", "version", "grid", "start"),
    )
    op.add_column("baselines", sa.Column("joint", sa.LargeBinary(), nullable=True))
    op.add_column("baselines", sa.Column("joint_reason", sa.Text(), nullable=True))
    op.add_column("baselines", sa.Column("sample_rate", sa.Double(), nullable=True))
