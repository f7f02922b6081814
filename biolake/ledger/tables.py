"""The ledger's tables. Columns are described by the values in `biolake.ledger.models`."""

from datetime import UTC, datetime

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
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

METADATA = MetaData()


class UtcDateTime(TypeDecorator[object]):
    """Instants in UTC; SQLite would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        """Convert to UTC on the way in."""
        return value.astimezone(UTC) if isinstance(value, datetime) else value

    def process_result_value(self, value: object, dialect: Dialect) -> object:
        """Name the zone on the way out."""
        return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value


OBJECTS = Table(
    "objects",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("version", String(256)),
    Column("dataset_id", String(256)),
    Column("role", String(16)),
    Column("ignored", Text),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("objects_by_dataset", "repository", "dataset_id"),
)

OBJECT_VERSIONS = Table(
    "object_versions",
    METADATA,
    Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=True),
    Column("repository", String(40), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("etag", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("version", String(256)),
    Column("deleted", Boolean, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("object_versions_by_key", "repository", "key"),
    Index("object_versions_by_time", "seen_at"),
)

JOBS = Table(
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
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("lot", String(64)),
    Column("run_id", String(64)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("sha256", String(64)),
    Column("reason", Text),
    Index("jobs_by_state", "repository", "state"),
    Index("jobs_by_dataset", "repository", "dataset_id"),
    Index("jobs_by_lot", "lot"),
    Index("jobs_by_end", "ended_at"),
)

LOTS = Table(
    "lots",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("repository", String(40), nullable=False),
    Column("manifest_uri", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("n_jobs", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("run_id", String(64)),
    Column("heartbeat_at", UtcDateTime),
    Column("divided_from", String(64)),
    Index("lots_by_state", "repository", "state"),
)

CURRENT_DATASETS = Table(
    "current_datasets",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("dataset_id", String(256), primary_key=True),
    Column("data_key", String(1024), nullable=False),
    Column("source_version", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("lot", String(64), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

LISTINGS = Table(
    "listings",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("n_objects", Integer, nullable=False),
    Column("completed_at", UtcDateTime, nullable=False),
    Column("outage", Text),
)

AHEAD_OF_THE_CLOCK = Table(
    "ahead_of_the_clock",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
)

EVENT_POSITIONS = Table(
    "event_positions",
    METADATA,
    Column("repository", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("sequencer", String(64)),
    Column("told", Integer, nullable=False),
    Column("looked", Integer, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
)
_WAITS = EVENT_POSITIONS.c.told > EVENT_POSITIONS.c.looked
Index(
    "event_positions_waiting",
    EVENT_POSITIONS.c.repository,
    EVENT_POSITIONS.c.told_at,
    sqlite_where=_WAITS,
    postgresql_where=_WAITS,
)

TOLD_INCIDENTS = Table(
    "told_incidents",
    METADATA,
    Column("incident", String(160), primary_key=True),
    Column("told_at", UtcDateTime, nullable=False),
)
