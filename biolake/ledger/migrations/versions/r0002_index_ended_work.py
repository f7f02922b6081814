"""Find by their time what can be forgotten: ended jobs and replaced object versions, without reading all of them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("jobs_by_end", "jobs", ["ended_at"])
    op.create_index("object_versions_by_time", "object_versions", ["seen_at"])
