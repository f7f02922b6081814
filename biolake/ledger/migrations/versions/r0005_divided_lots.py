"""Which lot another one was divided from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("lots", sa.Column("divided_from", sa.String(64)))
