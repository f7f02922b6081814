"""Which failures people were told of."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "told_incidents",
        sa.Column("incident", sa.String(160), primary_key=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
