"""The catalog of a study: one look at its sources and metadata, after which every file has one state.

A second look with nothing new changes nothing, and one that is broken off is simply repeated. Looking into the files
themselves is `check`, apart from this, because it costs as much as the files are large.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select

from biolake.errors import BiolakeError
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.catalog.evaluation import judge_if_due
from biolake.studies.catalog.files import Changes, compare, list_sources
from biolake.studies.catalog.study_record import record_state, record_trouble, study_record, update_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import SourceUnavailable
from biolake.studies.models import CatalogSummary, fingerprint
from biolake.studies.notifications.messages import Message, enqueue
from biolake.studies.participants.store import read_metadata, store_metadata
from biolake.studies.states import STARTABLE
from biolake.studies.tables import FILES, reading, writing

_WARNINGS_TOLD = 20


def open_stores(study: StudyConfiguration) -> dict[str, ObjectStore]:
    """Open the store of each source, by the source's name.

    Raises:
        SourceUnavailable: A bucket or folder is not there.
    """
    stores: dict[str, ObjectStore] = {}
    for source in study.document.sources:
        try:
            stores[source.name] = open_store(source.uri)
        except BiolakeError as error:
            raise SourceUnavailable(f"source {source.name}: {error} Nothing was changed.") from error
    return stores


def sources_of(study: StudyConfiguration, engine: Engine, now: datetime) -> dict[str, ObjectStore]:
    """Open the store of each source; where one is not there, that is recorded and told.

    Raises:
        SourceUnavailable: A bucket or folder is not there.
    """
    try:
        return open_stores(study)
    except SourceUnavailable as error:
        record_trouble(study.id, "source_missing", str(error), engine, now, study.document.waiting.notify)
        raise


def catalog(
    study: StudyConfiguration,
    stores: Mapping[str, ObjectStore],
    engine: Engine,
    now: datetime,
    *,
    accept_empty: Collection[str] = (),
) -> CatalogSummary:
    """List the study's sources, read what is new of its metadata, and give every file its state.

    Args:
        study: The configuration.
        stores: By source name, as `open_stores` returns them.
        engine: Where the tables are.
        now: The time, UTC.
        accept_empty: Prefixes, as `source/prefix`, whose files were removed on purpose; else an empty answer where
            there were files is an outage, reported, and nothing under it is changed.

    Raises:
        SourceUnavailable: A source cannot be listed; that is recorded and told, and nothing else is changed.
    """
    try:
        listing = list_sources(study, stores, now)
        with reading(engine) as connection:
            metadata = read_metadata(study, stores, listing.metadata, connection)
    except BiolakeError as error:
        record_trouble(study.id, "source_missing", str(error), engine, now, study.document.waiting.notify)
        if isinstance(error, SourceUnavailable):
            raise
        raise SourceUnavailable(f"{error} Nothing was changed.") from error
    with writing(engine) as connection:
        record = study_record(study, connection, now)
        changes = Changes(0, 0, 0, (), ())
        warnings: tuple[str, ...] = ()
        if record.listed_at is None or record.listed_at <= listing.began:
            changes = compare(study, listing, accept_empty, connection, now)
            gone = list(changes.metadata_gone)
            outcome = store_metadata(study.id, metadata, gone, connection, now)
            warnings = outcome.warnings
            _tell_metadata(study, warnings, connection, now)
            if changes.any or outcome.changed:
                connection.execute(update_study(study).values(changed=True))
            connection.execute(update_study(study).values(listed_at=listing.began))
        judge_if_due(study, connection, now)
        record_state(study, changes.outages, connection, now)
        return _summary(study, changes, warnings, connection)


def _tell_metadata(study: StudyConfiguration, warnings: tuple[str, ...], connection: Connection, now: datetime) -> None:
    if not warnings:
        return
    shown = " ".join(warnings[:_WARNINGS_TOLD])
    more = f" And {len(warnings) - _WARNINGS_TOLD} more." if len(warnings) > _WARNINGS_TOLD else ""
    dedupe = f"metadata/{fingerprint(warnings)[:32]}/{now.isoformat()}"
    enqueue(study, Message("metadata", dedupe, f"{study.id}: {shown}{more}"), connection, now)


def _summary(
    study: StudyConfiguration, changes: Changes, warnings: tuple[str, ...], connection: Connection
) -> CatalogSummary:
    mine = FILES.c.study == study.id
    by_state = connection.execute(select(FILES.c.state, func.count()).where(mine).group_by(FILES.c.state))
    counts: dict[str, int] = {state: number for state, number in by_state}  # noqa: C416
    to_check = mine & FILES.c.current & FILES.c.file_type.is_not(None) & FILES.c.sha256.is_(None)
    startable = mine & FILES.c.current & FILES.c.state.in_([state.value for state in STARTABLE])
    taken = select(FILES.c.file_type).where(mine & FILES.c.current).distinct()
    seen = set(connection.execute(taken).scalars())
    empty = tuple(
        f"file type {kind.name}: no file matches {kind.pattern} and its filename_regex."
        for kind in study.document.file_types
        if kind.name not in seen
    )
    return CatalogSummary(
        study=study.id,
        counts=dict(sorted(counts.items())),
        n_files=sum(counts.values()),
        new=changes.new,
        changed=changes.changed,
        removed=changes.removed,
        to_check=connection.execute(select(func.count()).where(to_check)).scalar_one(),
        ready=connection.execute(select(func.count(FILES.c.recording.distinct())).where(startable)).scalar_one(),
        warnings=(*empty, *warnings),
        outages=changes.outages,
    )
