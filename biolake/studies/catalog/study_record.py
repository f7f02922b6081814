"""A study's own state: in order, its configuration wrong, its sources missing or silent; told once when it changes.

The states of its files are `judgement`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Update, insert, select, update

from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import StudyError
from biolake.studies.models import fingerprint
from biolake.studies.notifications.messages import Message, enqueue, enqueue_for
from biolake.studies.tables import STUDIES, reading, writing


def record_trouble(
    study: str, state: str, reason: str, engine: Engine, now: datetime, notify: Sequence[str] = ("log",)
) -> None:
    """Record that a study cannot go on, `config_error` or `source_missing`, and tell it once per reason.

    The files and all earlier results stay as they are.
    """
    with writing(engine) as connection:
        row = connection.execute(select(STUDIES).where(STUDIES.c.study == study)).first()
        told = Message("configuration" if state == "config_error" else "source", "", f"{study}: {reason}")
        if row is None:
            values = {"study": study, "state": state, "reason": reason, "since": now, "changed": True}
            connection.execute(insert(STUDIES).values(values))
        elif (row.state, row.reason) != (state, reason):
            same = update(STUDIES).where(STUDIES.c.study == study)
            since = row.since if row.state == state else now
            connection.execute(same.values(state=state, reason=reason, since=since))
        else:
            return
        dedupe = f"{state}/{fingerprint(reason)[:16]}/{now.isoformat()}"
        enqueue_for(study, tuple(notify), Message(told.kind, dedupe, told.text), connection, now)


def record_configuration_error(study: str, error: StudyError, engine: Engine, now: datetime) -> None:
    """Record that a study's configuration is missing or has mistakes; nothing of the study is started."""
    record_trouble(study, "config_error", str(error), engine, now)


def study_state(study: str, engine: Engine) -> tuple[str, str, datetime] | None:
    """Return a study's own state (`ok`, `outage`, `config_error`, `source_missing`), why, and since when."""
    with reading(engine) as connection:
        row = connection.execute(select(STUDIES).where(STUDIES.c.study == study)).first()
    return (row.state, row.reason, row.since) if row is not None else None


def update_study(study: StudyConfiguration) -> Update:
    """Return the statement that changes the study's row, values to be given."""
    return update(STUDIES).where(STUDIES.c.study == study.id)


def study_record(study: StudyConfiguration, connection: Connection, now: datetime) -> Row[Any]:
    """Return the study's row, made where there is none."""
    query = select(STUDIES).where(STUDIES.c.study == study.id)
    row = connection.execute(query).first()
    if row is None:
        values = {"study": study.id, "state": "ok", "reason": "", "since": now, "changed": True}
        connection.execute(insert(STUDIES).values(values))
        row = connection.execute(query).one()
    if row.configuration_sha256 != study.sha256:
        connection.execute(update_study(study).values(configuration_sha256=study.sha256))
    return row


def record_state(study: StudyConfiguration, outages: tuple[str, ...], connection: Connection, now: datetime) -> None:
    """Record whether the sources answered, and tell an outage once."""
    row = connection.execute(select(STUDIES).where(STUDIES.c.study == study.id)).one()
    state, reason = "ok", ""
    if outages:
        places = ", ".join(outages)
        reason = f"Nothing is listed under {places}, where there were files. Nothing of them was changed."
        state = "outage"
    if (row.state, row.reason) == (state, reason):
        return
    connection.execute(update_study(study).values(state=state, reason=reason, since=now))
    if outages:
        message = Message("outage", f"outage/{now.isoformat()}", f"{study.id}: {reason}")
        enqueue(study, message, connection, now)
