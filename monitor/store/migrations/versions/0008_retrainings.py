"""Retrainings: what was asked for, who allowed it, what came of it."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retrainings",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("trigger", sa.String(length=200), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("new_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("retrainings_model", "retrainings", ["model", "created_at"])
    op.create_index("retrainings_stage", "retrainings", ["stage"])
    _carry_over()


def _carry_over() -> None:
    """What was fired before is known from its intents; without it every open incident would fire again."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT model, payload, created_at FROM intents WHERE kind = 'trigger'")).all()
    for row in rows:
        payload = json.loads(row.payload) if isinstance(row.payload, str) else row.payload
        connection.execute(
            sa.text(
                "INSERT INTO retrainings (key, model, trigger, incident, stage, payload, created_at, changed_at,"
                " actor, note, new_version)"
                " VALUES (:key, :model, :trigger, :incident, 'asked', :payload, :at, :at, '', '', '')"
                " ON CONFLICT DO NOTHING"
            ),
            {
                "key": payload["key"],
                "model": row.model,
                "trigger": payload["trigger"],
                "incident": payload.get("incident"),
                "payload": json.dumps(payload),
                "at": row.created_at,
            },
        )
