"""The first schema with a version: what arrived and what became of it, and the tables of studies.

Databases that were made before schemas had versions are held against it; so it is never changed.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

METADATA = MetaData()

_INSTANT = DateTime(timezone=True)
_ID = Integer().with_variant(BigInteger, "postgresql")

Table(
    "objects",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", _INSTANT, nullable=False),
    Column("version", String(256)),
    Column("dataset_id", String(256)),
    Column("role", String(16)),
    Column("ignored", Text),
    Column("deleted", Boolean, nullable=False),
    Column("seen_at", _INSTANT, nullable=False),
    Index("objects_by_dataset", "repository", "dataset_id"),
)

Table(
    "object_versions",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("repository", String(40), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("etag", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", _INSTANT, nullable=False),
    Column("version", String(256)),
    Column("deleted", Boolean, nullable=False),
    Column("seen_at", _INSTANT, nullable=False),
    Index("object_versions_by_key", "repository", "key"),
)

Table(
    "jobs",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("repository", String(40), nullable=False),
    Column("dataset_id", String(256), nullable=False),
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("parts", JSON, nullable=False),
    Column("source_version", String(64), nullable=False),
    Column("priority", String(8), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("updated_at", _INSTANT, nullable=False),
    Column("started_at", _INSTANT),
    Column("ended_at", _INSTANT),
    Column("lot", String(64)),
    Column("run_id", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("sha256", String(64)),
    Column("reason", Text),
    Index("jobs_by_state", "repository", "state"),
    Index("jobs_by_dataset", "repository", "dataset_id"),
    Index("jobs_by_lot", "lot"),
)

Table(
    "lots",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("repository", String(40), nullable=False),
    Column("manifest_uri", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("n_jobs", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("run_id", String(64)),
    Column("heartbeat_at", _INSTANT),
    Index("lots_by_state", "repository", "state"),
)

Table(
    "current_datasets",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("dataset_id", String(256), primary_key=True),
    Column("data_key", String(1024), nullable=False),
    Column("source_version", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("lot", String(64), nullable=False),
    Column("updated_at", _INSTANT, nullable=False),
)

Table(
    "listings",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("n_objects", Integer, nullable=False),
    Column("completed_at", _INSTANT, nullable=False),
    Column("outage", Text),
)

Table(
    "ahead_of_the_clock",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("first_seen", _INSTANT, nullable=False),
)

Table(
    "studies",
    METADATA,
    Column("study", String(40), primary_key=True),
    Column("state", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("configuration_sha256", String(64)),
    Column("listed_at", _INSTANT),
    Column("judged_by", String(64)),
    Column("changed", Boolean, nullable=False),
    Column("next_due", _INSTANT),
)

Table(
    "study_files",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("source", String(40), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("etag", String(256), nullable=False),
    Column("version", String(256)),
    Column("size", BigInteger, nullable=False),
    Column("modified", _INSTANT, nullable=False),
    Column("first_seen", _INSTANT, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("file_type", String(40)),
    Column("recording", String(1024)),
    Column("subject", String(256)),
    Column("groups", JSON),
    Column("state", String(24), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("flags", JSON),
    Column("sha256", String(64)),
    Column("scan", JSON),
    Column("scanned_at", _INSTANT),
    Column("attempts", Integer, nullable=False),
    Column("inputs", JSON),
    Column("run_key", String(64)),
    Column("refused", Boolean, nullable=False),
    Column("run_id", String(64)),
    Column("qc_code", String(256)),
    Index("study_files_by_current", "study", "current", "source", "key"),
    Index("study_files_by_state", "study", "state"),
    Index("study_files_by_recording", "study", "recording"),
)

Table(
    "study_metadata_files",
    METADATA,
    Column("study", String(40), primary_key=True),
    Column("source", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("rules", String(64), nullable=False),
    Column("modified", _INSTANT, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("n_rows", Integer, nullable=False),
    Column("n_errors", Integer, nullable=False),
    Column("read_at", _INSTANT, nullable=False),
)

Table(
    "study_participant_rows",
    METADATA,
    Column("study", String(40), primary_key=True),
    Column("source", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("subject", String(256)),
    Column("visit", String(256), nullable=False),
    Column("values", JSON, nullable=False),
    Column("errors", JSON, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("sha256", String(64), nullable=False),
    Index("study_participant_rows_by_subject", "study", "subject"),
)

Table(
    "study_waits",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("visit", String(256), nullable=False),
    Column("column", String(64), nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Column("expired", Boolean, nullable=False),
    Column("resolved_at", _INSTANT),
    Index("study_waits_open", "study", "resolved_at"),
)

Table(
    "notifications",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("dedupe", String(128), nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    UniqueConstraint("study", "dedupe", name="notifications_once"),
)

Table(
    "notification_deliveries",
    METADATA,
    Column("notification", _ID, primary_key=True, autoincrement=False),
    Column("channel", String(80), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", _INSTANT, nullable=False),
    Column("error", Text),
    Column("delivered_at", _INSTANT),
    Index("notification_deliveries_by_state", "state", "next_attempt_at"),
)

Table(
    "study_run_beats",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("beaten_at", _INSTANT, nullable=False),
)


def upgrade() -> None:
    """Make the tables."""
    METADATA.create_all(op.get_bind())
