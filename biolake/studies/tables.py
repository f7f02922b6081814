"""The tables of studies: files, participants, waits and notifications; and one transaction at a time for writers.

What is written into them, and when, is in `catalog`, `participants`, `recordings` and `notifications`. The tables are
made with the ledger's, by `biolake.ledger.migrate`; the engine is the caller's.
"""

from contextlib import AbstractContextManager

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from biolake.ledger import transactions
from biolake.ledger.tables import UtcDateTime

METADATA = MetaData()
_Id = Integer().with_variant(BigInteger, "postgresql")

STUDIES = Table(
    "studies",
    METADATA,
    Column("study", String(40), primary_key=True),
    Column("state", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("configuration_sha256", String(64)),
    Column("listed_at", UtcDateTime),
    # When the files were last judged: by which rules, whether something has changed since, what time changes next.
    Column("judged_by", String(64)),
    Column("changed", Boolean, nullable=False, default=True),
    Column("next_due", UtcDateTime),
)

FILES = Table(
    "study_files",
    METADATA,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("source", String(40), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("etag", String(256), nullable=False),
    Column("version", String(256)),
    Column("size", BigInteger, nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("file_type", String(40)),
    Column("recording", String(1024)),
    Column("subject", String(256)),
    Column("groups", JSON),
    Column("state", String(24), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("flags", JSON),
    Column("sha256", String(64)),
    Column("scan", JSON),
    Column("scanned_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("inputs", JSON),
    Column("run_key", String(64)),
    # Processing, not the catalog, found the fault that the state says.
    Column("refused", Boolean, nullable=False, default=False),
    Column("run_id", String(64)),
    Column("qc_code", String(256)),
    Index("study_files_by_current", "study", "current", "source", "key"),
    Index("study_files_by_state", "study", "state"),
    Index("study_files_by_recording", "study", "recording"),
)

METADATA_FILES = Table(
    "study_metadata_files",
    METADATA,
    Column("study", String(40), primary_key=True),
    Column("source", String(40), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("etag", String(256), nullable=False),
    Column("rules", String(64), nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("n_rows", Integer, nullable=False),
    Column("n_errors", Integer, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
)

PARTICIPANT_ROWS = Table(
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

WAITS = Table(
    "study_waits",
    METADATA,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("visit", String(256), nullable=False),
    Column("column", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("expired", Boolean, nullable=False, default=False),
    Column("resolved_at", UtcDateTime),
    Index("study_waits_open", "study", "resolved_at"),
)

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("study", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("dedupe", String(128), nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("study", "dedupe", name="notifications_once"),
)

DELIVERIES = Table(
    "notification_deliveries",
    METADATA,
    Column("notification", _Id, primary_key=True, autoincrement=False),
    Column("channel", String(80), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("delivered_at", UtcDateTime),
    Index("notification_deliveries_by_state", "state", "next_attempt_at"),
)


RUN_BEATS = Table(
    "study_run_beats",
    METADATA,
    Column("run_id", String(64), primary_key=True),
    Column("beaten_at", UtcDateTime, nullable=False),
)


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """A connection that sees one consistent state."""
    return transactions.reading(engine)


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that no other writer of studies interleaves; all of it is kept, or nothing."""
    return transactions.writing(engine, transactions.Turn.STUDIES)
