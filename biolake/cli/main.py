"""The `biolake` command line: `biolake --help` is the manual."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from biolake.cli import (
    datasets,
    demo,
    doctor,
    download,
    ingest,
    jobs,
    ledger,
    query,
    reconcile,
    repositories,
    runtimes,
    search,
    settings,
    studies,
    up,
)
from biolake.cli.output import fail
from biolake.environment.errors import InvalidSetting
from biolake.errors import BiolakeError
from biolake.ledger.errors import LedgerUnavailable
from biolake.settings import Settings


class SystemRefused(BiolakeError):
    """The operating system refused a file or an address."""


_HELP = {"-h", "--help"}

app = typer.Typer(
    name="biolake",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Biomedical datasets and recordings as partitioned assets: ingest, curate, query, share.\n\n"
        "State lies in the folder that --home or BIOLAKE_HOME names (.biolake here by default). "
        "Exit codes: 0 done, 1 something failed and is named, 2 the command was used wrongly or a setting is wrong."
    ),
)


@app.callback()
def deployment(
    home: Annotated[
        Path | None, typer.Option("--home", envvar="BIOLAKE_HOME", help="State folder of the deployment.")
    ] = None,
) -> None:
    """Choose the deployment; wrong settings are refused before anything is done."""
    if home is not None:
        os.environ["BIOLAKE_HOME"] = str(home.expanduser().resolve())
    if _HELP.isdisjoint(sys.argv):
        Settings.from_environment()


app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("ingest")(ingest.ingest)
app.command("reprocess")(ingest.reprocess_datasets)
app.command("query")(query.query)
app.command("search")(search.search)
app.command("reconcile")(reconcile.reconcile_repositories)
app.add_typer(jobs.app, name="jobs")
app.add_typer(datasets.app, name="dataset")
app.add_typer(repositories.app, name="repository")
app.add_typer(download.app, name="download")
app.add_typer(ledger.app, name="ledger")
app.add_typer(studies.app, name="study")
app.add_typer(runtimes.app, name="runtimes")
app.command("notifications")(studies.notifications)
app.command("settings")(settings.settings)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run a command; a known error is told on standard error and becomes exit code 1, a wrong setting 2."""
    as_json = "--json" in sys.argv
    try:
        app()
    except InvalidSetting as error:
        fail(error, as_json)
        sys.exit(2)
    except BiolakeError as error:
        fail(error, as_json)
        sys.exit(1)
    except OperationalError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        fail(LedgerUnavailable(f"the ledger does not answer ({reason}). See BIOLAKE_LEDGER."), as_json)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        fail(
            SystemRefused(f"{where}{error.strerror or error}. Check that it is there and that you may use it."), as_json
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
