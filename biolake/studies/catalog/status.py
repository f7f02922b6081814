"""Every file of a study with its state, for tables and reports.

How it came to it is `judgement` and `biolake.studies.recordings.progress`.
"""

import polars as pl
from sqlalchemy import Engine, func, select

from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import UNREADABLE
from biolake.studies.models import fingerprint
from biolake.studies.states import State
from biolake.studies.tables import FILES, reading


def status(study: StudyConfiguration, engine: Engine) -> pl.DataFrame:
    """Return every version of every file with its state, why, and since when; in the order of names.

    Columns: source, key, file_type, recording, subject, state, reason, since, flags, qc_code, size, modified, sha256,
    run_key, attempts, current.
    """
    names = (
        "source", "key", "file_type", "recording", "subject", "state", "reason", "since", "flags", "qc_code", "size",
        "modified", "sha256", "run_key", "attempts", "current",
    )  # fmt: skip
    times = pl.Datetime("us", "UTC")
    schema: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(names, pl.String)
    schema |= {"since": times, "modified": times, "flags": pl.List(pl.String)}
    schema |= {"size": pl.Int64, "attempts": pl.Int64, "current": pl.Boolean}
    with reading(engine) as connection:
        query = select(*FILES.c[names]).where(FILES.c.study == study.id)
        rows = connection.execute(query.order_by(FILES.c.source, FILES.c.key, FILES.c.id)).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def counts(study: StudyConfiguration, engine: Engine) -> dict[State, int]:
    """Return the number of file versions in each state that occurs; their sum is the number of files."""
    query = select(FILES.c.state, func.count()).where(FILES.c.study == study.id).group_by(FILES.c.state)
    with reading(engine) as connection:
        return {State(state): number for state, number in connection.execute(query)}


def under_way(study: StudyConfiguration, engine: Engine) -> int:
    """Return how many files are settling, about to be looked into, or being processed: their states end by themselves.

    Parts of a recording of which more may come for hours are not among them, nor files that could not be looked into.
    """
    arriving = (FILES.c.state == State.ARRIVING.value) & FILES.c.sha256.is_(None)
    unreadable = FILES.c.reason.startswith(UNREADABLE)
    moving = (arriving & ~unreadable) | (FILES.c.state == State.PROCESSING.value)
    query = select(func.count()).where(FILES.c.study == study.id, moving)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def results_fingerprint(study: StudyConfiguration, engine: Engine) -> str | None:
    """Return a name for what a summary of the study would show now, None while nothing was processed.

    It changes when a file's state does, or the rules by which results are summed up.
    """
    with reading(engine) as connection:
        columns = FILES.c["id", "state", "since", "run_key"]
        rows = connection.execute(select(*columns).where(FILES.c.study == study.id).order_by(FILES.c.id)).all()
    if not any(row.state in {State.PROCESSED.value, State.STALE.value} for row in rows):
        return None
    seen = [(row.id, row.state, row.since.isoformat(), row.run_key) for row in rows]
    return fingerprint([study.sha256, seen])[:32]


def since_by_recording(study: StudyConfiguration, engine: Engine) -> dict[str, str]:
    """Return since when each recording's files have been as they are now: a name for one call to process it."""
    query = (
        select(FILES.c.recording, func.max(FILES.c.since))
        .where(FILES.c.study == study.id, FILES.c.current, FILES.c.recording.is_not(None))
        .group_by(FILES.c.recording)
    )
    with reading(engine) as connection:
        return {recording: f"{since:%Y%m%dT%H%M%S%f}" for recording, since in connection.execute(query)}
