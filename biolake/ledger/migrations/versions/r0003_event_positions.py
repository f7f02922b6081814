"""How far the events of each key were followed, where a queue tells what happens in the landing bucket."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, and the index by which keys that wait are found."""
    op.create_table(
        "event_positions",
        sa.Column("repository", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(1024), primary_key=True),
        sa.Column("sequencer", sa.String(64)),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("looked", sa.Integer, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
    waits = sa.text("told > looked")
    op.create_index(
        "event_positions_waiting",
        "event_positions",
        ["repository", "told_at"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
