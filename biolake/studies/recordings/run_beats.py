"""A run that processes a recording says that it is alive; the sensor gives the recording of a silent one back."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine, and_, delete, exists, insert, select

from biolake.ledger.errors import LedgerUnavailable
from biolake.studies.states import State
from biolake.studies.tables import FILES, RUN_BEATS, reading, writing

_LOG = logging.getLogger(__name__)

BEAT_SECONDS = 5.0


@contextmanager
def beating(engine: Engine, run_id: str) -> Iterator[None]:
    """Beat at once and then every few seconds until the block ends."""
    done = threading.Event()
    # Before the recording is taken: one that is held by a run that never beat would be given back.
    _beat(engine, run_id)

    def work() -> None:
        while not done.wait(BEAT_SECONDS):
            try:
                _beat(engine, run_id)
            except LedgerUnavailable:
                # A busy database costs a beat, not the recording: the next one may pass.
                _LOG.warning("run %s: a heartbeat was not taken", run_id, exc_info=True)

    thread = threading.Thread(target=work, name=f"heartbeat-{run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def last_beat(engine: Engine, run_id: str) -> datetime | None:
    """Return when a run was last heard of."""
    with reading(engine) as connection:
        query = select(RUN_BEATS.c.beaten_at).where(RUN_BEATS.c.run_id == run_id)
        return connection.execute(query).scalar_one_or_none()


def recordings_in_work(engine: Engine, study: str) -> dict[str, str]:
    """Return the run that processes each recording now being processed."""
    query = select(FILES.c.recording, FILES.c.run_id).where(
        FILES.c.study == study, FILES.c.state == State.PROCESSING.value, FILES.c.recording.is_not(None)
    )
    with reading(engine) as connection:
        return {recording: run_id or "" for recording, run_id in connection.execute(query)}


def forget_beats(engine: Engine, moment: datetime) -> int:
    """Forget the beats before `moment` of runs that are not at work, and return how many they were.

    Notifications are kept: one that is forgotten would be told again.
    """
    at_work = exists().where(and_(FILES.c.run_id == RUN_BEATS.c.run_id, FILES.c.state == State.PROCESSING.value))
    with writing(engine) as connection:
        return connection.execute(delete(RUN_BEATS).where(RUN_BEATS.c.beaten_at < moment, ~at_work)).rowcount


def _beat(engine: Engine, run_id: str) -> None:
    with writing(engine) as connection:
        connection.execute(delete(RUN_BEATS).where(RUN_BEATS.c.run_id == run_id))
        connection.execute(insert(RUN_BEATS).values(run_id=run_id, beaten_at=datetime.now(UTC)))
