"""`biolake ledger`: the version of the ledger's schema, and its upgrade."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from sqlalchemy import Engine

from biolake.cli.output import AsJson, out, print_json, say
from biolake.ledger.connect import ledger_url, open_engine
from biolake.ledger.migrate import HEAD, Schema, SchemaState, schema_of
from biolake.ledger.migrate import upgrade as upgrade_schema
from biolake.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Look after the ledger's database.")

_WRONG = {SchemaState.OUTDATED, SchemaState.TOO_NEW, SchemaState.UNKNOWN}


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Say at which revision the ledger's schema is; exit code 1 where this version cannot work with it."""
    with _engine() as engine:
        found = schema_of(engine)
        _tell(engine, found, as_json)
    if found.state in _WRONG:
        raise typer.Exit(1)


@app.command("upgrade")
def upgrade(as_json: AsJson = False) -> None:
    """Bring the ledger's schema up to date, in one transaction; all rows are kept. Back it up before."""
    with _engine() as engine:
        before = upgrade_schema(engine)
        found = schema_of(engine)
        _tell(engine, found, as_json, before)


@contextmanager
def _engine() -> Iterator[Engine]:
    """The ledger's database, whatever its schema."""
    settings = Settings.from_environment()
    engine = open_engine(ledger_url(settings.ledger, settings.ledger_password))
    try:
        yield engine
    finally:
        engine.dispose()


def _tell(engine: Engine, found: Schema, as_json: bool, before: Schema | None = None) -> None:
    where = engine.url.render_as_string(hide_password=True)
    if as_json:
        told = {"ledger": where, "state": found.state, "revision": found.revision, "newest": HEAD}
        told |= {"remedy": found.remedy} if before is None else {"before": before.revision}
        print_json(told)
        return
    at = f"revision {found.revision}" if found.revision else "no revision"
    if before is not None:
        at += " (it was)" if before.state == found.state else f" (before: {before.revision or 'empty'})"
    say(out, f"{where}: {found.state.value}, {at}")
    if found.remedy:
        say(out, found.remedy)
