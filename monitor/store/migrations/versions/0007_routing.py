"""Reminders, what silences hold back, and incidents of several models."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "channel", "event", "after"),
    )
    op.create_index("ix_reminders_due_at", "reminders", ["due_at"])
    op.add_column("intents", sa.Column("silence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    op.add_column("silences", sa.Column("notify", sa.JSON(), nullable=True))
    op.add_column("silences", sa.Column("notice_at", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("lead", sa.String(length=64), nullable=True))
    op.create_index("ix_incidents_lead", "incidents", ["lead"])
