"""Looking into the files that have arrived: fetch, hash, scan, once for every version, several at a time.

What a scan finds is `biolake.studies.devices`; what it means is `judgement`. Listing is `files`.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, Row, bindparam, select, update

from biolake.objects.errors import ObjectChanged, ObjectNotFound
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from biolake.studies.catalog.evaluation import evaluate
from biolake.studies.catalog.study_record import update_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.devices import scan as scan_device_file
from biolake.studies.devices.models import Scan
from biolake.studies.facts import UNREADABLE, scan_to_json
from biolake.studies.states import State
from biolake.studies.tables import FILES, reading, writing

logger = logging.getLogger(__name__)

_WRITTEN_AT_ONCE = 64


@dataclass(frozen=True)
class Checked:
    """What looking into one file gave: its hash and scan, or why that was not possible."""

    file_id: int
    sha256: str | None
    scan: Scan | None
    failure: str | None


def check_arrivals(
    study: StudyConfiguration,
    stores: Mapping[str, ObjectStore],
    engine: Engine,
    now: datetime,
    *,
    scan: Callable[[Path], Scan] = scan_device_file,
    limit: int | None = None,
    workers: int = 2,
) -> int:
    """Look into every file that has settled and was not looked into, then judge all files anew.

    Args:
        study: The configuration.
        stores: By source name.
        engine: Where the tables are.
        now: The time, UTC.
        scan: Tells what is in a local file.
        limit: At most so many files, oldest first; all where it is not given.
        workers: Files looked into at once.

    Returns:
        How many files were looked into.
    """
    waiting = _waiting(study, engine, now, limit)
    done = 0
    with tempfile.TemporaryDirectory(prefix="biolake-check-") as folder, ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(waiting), _WRITTEN_AT_ONCE):
            part = waiting[start : start + _WRITTEN_AT_ONCE]
            results = list(pool.map(lambda row: _check(row, stores, scan, Path(folder)), part))
            checked = [result for result in results if result is not None]
            _store(study, checked, engine, now)
            done += len(checked)
    evaluate(study, engine, now)
    return done


def _waiting(study: StudyConfiguration, engine: Engine, now: datetime, limit: int | None) -> list[Row]:
    settle = {source.name: timedelta(seconds=source.settle_seconds) for source in study.document.sources}
    columns = FILES.c["id", "source", "key", "etag", "size", "modified", "version", "first_seen"]
    query = (
        select(*columns)
        .where(FILES.c.study == study.id, FILES.c.current, FILES.c.sha256.is_(None), FILES.c.file_type.is_not(None))
        .order_by(FILES.c.id)
    )
    with reading(engine) as connection:
        rows = [
            row
            for row in connection.execute(query)
            if row.source in settle and min(row.modified, row.first_seen) + settle[row.source] <= now
        ]
    return rows[:limit]


def _check(row: Row, stores: Mapping[str, ObjectStore], scan: Callable[[Path], Scan], folder: Path) -> Checked | None:
    """Look into one file; None where it is no longer the version that was listed, which the next catalog finds."""
    version = ObjectVersion(row.key, row.etag, row.size, row.modified, row.version)
    store = stores[row.source]
    copy = folder / f"{row.id}{Path(row.key).suffix}"
    try:
        local = store.local(version)
        path, digest = local if local is not None else (copy, store.fetch(version, copy))
        return Checked(row.id, digest, scan(path), None)
    except (ObjectChanged, ObjectNotFound) as error:
        logger.info("%s: %s", row.key, error)
        return None
    except Exception as error:
        # One file's fault must not keep the others from being looked into; it is recorded with the file and tried
        # again at the next check.
        logger.exception("looking into %s failed", row.key)
        return Checked(row.id, None, None, f"{UNREADABLE}: {type(error).__name__}: {error}")
    finally:
        copy.unlink(missing_ok=True)


def _store(study: StudyConfiguration, checked: list[Checked], engine: Engine, now: datetime) -> None:
    found = [
        {"file": item.file_id, "new_sha256": item.sha256, "new_scan": scan_to_json(item.scan)}
        for item in checked
        if item.scan is not None
    ]
    failed = [{"file": item.file_id, "new_reason": item.failure} for item in checked if item.failure is not None]
    # A version that was superseded while it was looked into keeps its state; its hash is still worth having.
    by_id = update(FILES).where(FILES.c.id == bindparam("file"))
    with writing(engine) as connection:
        if found:
            values = {"sha256": bindparam("new_sha256"), "scan": bindparam("new_scan"), "scanned_at": now}
            connection.execute(by_id.values(**values), found)
        if failed:
            arriving = by_id.where(FILES.c.state == State.ARRIVING.value)
            connection.execute(arriving.values(reason=bindparam("new_reason")), failed)
        if checked:
            connection.execute(update_study(study).values(changed=True))
