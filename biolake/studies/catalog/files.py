"""The files of a study as its sources list them, compared with what was known: new, changed, removed, or an outage.

Listing talks to stores and writes nothing; comparing writes and talks to no store. What state a file then gets is
`judgement`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from biolake.objects.errors import ObjectNotFound, StoreUnavailable
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from biolake.studies.catalog.identity import identify
from biolake.studies.configuration.file_types import Source
from biolake.studies.configuration.patterns import glob_matches, literal_folder
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import SourceUnavailable
from biolake.studies.facts import NOT_CHECKED
from biolake.studies.participants.store import metadata_rules
from biolake.studies.states import State
from biolake.studies.tables import FILES, METADATA_FILES

Place = tuple[str, str]
"""A source's name and a key under its address."""

_INSERTED_AT_ONCE = 5000


@dataclass(frozen=True)
class Listing:
    """What the sources of a study hold.

    Attributes:
        files: Candidates for recordings, by place.
        metadata: Metadata files, by place.
        answered: Prefixes under which anything was listed, as (source, prefix).
        began: When listing began; of two listings the later is right.
    """

    files: Mapping[Place, ObjectVersion]
    metadata: Mapping[Place, ObjectVersion]
    answered: frozenset[Place]
    began: datetime


@dataclass(frozen=True)
class Changes:
    """What a listing changed.

    Attributes:
        new: Names seen for the first time.
        changed: Names with a new version.
        removed: Names that are gone.
        metadata_gone: Metadata files that are gone.
        outages: Prefixes that answered with nothing where there were files, as people write them.
    """

    new: int
    changed: int
    removed: int
    metadata_gone: tuple[Place, ...]
    outages: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether anything is different from before."""
        return bool(self.new or self.changed or self.removed)


def path_in(source: Source, key: str) -> str | None:
    """Return a key's path under the source's prefix that holds it, None where none does or it is to be ignored."""
    for prefix in source.prefixes:
        if key.startswith(prefix):
            path = key[len(prefix) :]
            return None if glob_matches(path, *source.ignore) else path
    return None


def list_sources(study: StudyConfiguration, stores: Mapping[str, ObjectStore], now: datetime) -> Listing:
    """List everything that the study's sources hold.

    Raises:
        SourceUnavailable: A source cannot be listed, or not to its end.
    """
    files: dict[Place, ObjectVersion] = {}
    metadata: dict[Place, ObjectVersion] = {}
    answered: set[Place] = set()
    for source in study.document.sources:
        folders = {*source.prefixes, *_metadata_folders(study, source.name)}
        for version in _list(source, stores, folders):
            place = (source.name, version.key)
            if metadata_rules(study, *place) is not None:
                metadata[place] = version
                continue
            for prefix in source.prefixes:
                if version.key.startswith(prefix):
                    answered.add((source.name, prefix))
                    break
            if path_in(source, version.key) is not None:
                files[place] = version
    return Listing(files, metadata, frozenset(answered), now)


def _metadata_folders(study: StudyConfiguration, source: str) -> set[str]:
    return {literal_folder(rules.pattern) for rules in study.document.metadata.files if rules.source == source}


def _list(source: Source, stores: Mapping[str, ObjectStore], folders: set[str]) -> Iterator[ObjectVersion]:
    store = stores.get(source.name)
    if store is None:
        raise SourceUnavailable(f"source {source.name}: no store was opened for {source.uri}. Open it and try again.")
    if store.folder is not None and not store.folder.is_dir():
        # A folder that is gone lists as an empty one.
        raise SourceUnavailable(f"source {source.name}: the folder of {source.uri} is not there. Nothing was changed.")
    outermost = [folder for folder in sorted(folders) if not any(folder.startswith(o) for o in folders if o != folder)]
    for folder in outermost:
        try:
            yield from store.list(folder)
        except (StoreUnavailable, ObjectNotFound) as error:
            message = f"source {source.name}: {source.uri} cannot be listed: {error}"
            raise SourceUnavailable(f"{message} Check that it exists and may be read. Nothing was changed.") from error


def compare(
    study: StudyConfiguration, listing: Listing, accept_empty: Collection[str], connection: Connection, now: datetime
) -> Changes:
    """Bring the known files up to date with a listing.

    Args:
        study: The rules by which new files are told.
        listing: What the sources hold.
        accept_empty: Prefixes, as `source/prefix`, that are known to have been emptied: no outage.
        connection: Within a writing transaction.
        now: When.
    """
    columns = FILES.c["source", "key", "id", "etag", "size", "state", "sha256"]
    rows = connection.execute(select(*columns).where(FILES.c.study == study.id, FILES.c.current))
    known = {(source, key): row for source, key, *row in rows}
    silent = _silent(study, listing, known, accept_empty)
    changes = _Writing(study, connection, now)
    for place, version in listing.files.items():
        before = known.get(place)
        if before is None:
            changes.add(place, version)
            continue
        file_id, etag, size, state, sha256 = before
        if etag != version.etag or size != version.size:
            changes.replace(place, version, file_id, State(state), sha256 is not None)
    for place, row in known.items():
        if place not in listing.files and not any(place[0] == s and place[1].startswith(p) for s, p in silent):
            changes.remove(row[0])
    changes.flush()
    return Changes(
        changes.new,
        changes.changed,
        len(changes.removed),
        _metadata_gone(study, listing, connection),
        tuple(f"{source}/{prefix}" for source, prefix in silent),
    )


def _silent(
    study: StudyConfiguration, listing: Listing, known: Collection[Place], accept_empty: Collection[str]
) -> list[Place]:
    """Return the prefixes under which files are known and nothing was listed."""
    silent: list[Place] = []
    for source in study.document.sources:
        for prefix in source.prefixes:
            place = (source.name, prefix)
            if place in listing.answered or f"{source.name}/{prefix}" in accept_empty:
                continue
            if any(name == source.name and key.startswith(prefix) for name, key in known):
                silent.append(place)
    return silent


def _metadata_gone(study: StudyConfiguration, listing: Listing, connection: Connection) -> tuple[Place, ...]:
    if not listing.files and not listing.metadata:
        # A source that shows nothing at all has not withdrawn its metadata either.
        return ()
    rows = connection.execute(
        select(METADATA_FILES.c.source, METADATA_FILES.c.key).where(METADATA_FILES.c.study == study.id)
    )
    return tuple((source, key) for source, key in rows if (source, key) not in listing.metadata)


class _Writing:
    """Gathers changes and writes them in bulk."""

    def __init__(self, study: StudyConfiguration, connection: Connection, now: datetime) -> None:
        self.study = study
        self.connection = connection
        self.now = now
        self.new = 0
        self.changed = 0
        self.removed: list[int] = []
        self._sources = {source.name: source for source in study.document.sources}
        self._rows: list[dict[str, object]] = []
        self._in_place: list[dict[str, object]] = []
        self._superseded: list[int] = []

    def add(self, place: Place, version: ObjectVersion) -> None:
        """Take a new name."""
        self.new += 1
        self._rows.append(self._row(place, version))

    def replace(self, place: Place, version: ObjectVersion, file_id: int, state: State, checked: bool) -> None:
        """Take a new version of a name: in place while nothing was done with the old one, else beside it."""
        self.changed += 1
        if not checked and state in (State.ARRIVING, State.UNMATCHED):
            values = {"etag": version.etag, "size": version.size, "modified": version.modified}
            self._in_place.append({"file": file_id, "new_version": version.version, **_renamed(values)})
            return
        self._superseded.append(file_id)
        self._rows.append(self._row(place, version))

    def remove(self, file_id: int) -> None:
        """Take note that a name is gone."""
        self.removed.append(file_id)

    def flush(self) -> None:
        """Write everything."""
        by_id = update(FILES).where(FILES.c.id == bindparam("file"))
        ended = {"current": False, "since": self.now}
        if self._superseded:
            statement = by_id.values(state=State.SUPERSEDED, reason="A new version was uploaded.", **ended)
            self.connection.execute(statement, [{"file": number} for number in self._superseded])
        if self.removed:
            reason = "It is no longer among the study's files."
            statement = by_id.values(state=State.REMOVED, reason=reason, **ended)
            self.connection.execute(statement, [{"file": number} for number in self.removed])
        if self._in_place:
            names = ("etag", "size", "modified", "version")
            statement = by_id.values(first_seen=self.now, **{name: bindparam(f"new_{name}") for name in names})
            self.connection.execute(statement, self._in_place)
        for start in range(0, len(self._rows), _INSERTED_AT_ONCE):
            self.connection.execute(insert(FILES), self._rows[start : start + _INSERTED_AT_ONCE])

    def _row(self, place: Place, version: ObjectVersion) -> dict[str, object]:
        return {
            "study": self.study.id,
            "source": place[0],
            "key": place[1],
            "etag": version.etag,
            "version": version.version,
            "size": version.size,
            "modified": version.modified,
            "first_seen": self.now,
            "current": True,
            "since": self.now,
            "attempts": 0,
            "flags": [],
            **identity_columns(self.study, self._sources[place[0]], place[1]),
        }


def _renamed(values: Mapping[str, object]) -> dict[str, object]:
    return {f"new_{name}": value for name, value in values.items()}


def identity_columns(study: StudyConfiguration, source: Source, key: str) -> dict[str, object]:
    """Return what a file's name says, as its row has it, with the state that follows from it."""
    identity = identify(study, source.name, path_in(source, key) or key)
    return {
        "file_type": identity.file_type,
        "recording": str(identity.recording) if identity.recording else None,
        "subject": identity.subject,
        "groups": dict(identity.groups),
        "state": State.ARRIVING.value if identity.file_type else State.UNMATCHED.value,
        "reason": identity.reason if identity.file_type is None else NOT_CHECKED,
    }
