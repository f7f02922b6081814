"""The `biolake` command line: `biolake --help` is the manual."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from biolake.cli import datasets, demo, download, ingest, jobs, query, reconcile, repositories, search, studies, up
from biolake.cli.output import fail
from biolake.errors import BiolakeError

app = typer.Typer(
    name="biolake",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Biomedical datasets and recordings as partitioned assets: ingest, curate, query, share.\n\n"
        "State lies in the folder that --home or BIOLAKE_HOME names (.biolake here by default). "
        "Exit codes: 0 done, 1 something failed and is named, 2 the command was used wrongly."
    ),
)


@app.callback()
def deployment(
    home: Annotated[
        Path | None, typer.Option("--home", envvar="BIOLAKE_HOME", help="State folder of the deployment.")
    ] = None,
) -> None:
    """Choose the deployment."""
    if home is not None:
        os.environ["BIOLAKE_HOME"] = str(home.expanduser().resolve())


app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("ingest")(ingest.ingest)
app.command("reprocess")(ingest.reprocess_datasets)
app.command("jobs")(jobs.jobs)
app.command("query")(query.query)
app.command("search")(search.search)
app.command("reconcile")(reconcile.reconcile_repositories)
app.add_typer(datasets.app, name="dataset")
app.add_typer(repositories.app, name="repository")
app.add_typer(download.app, name="download")
app.add_typer(studies.app, name="study")
app.command("notifications")(studies.notifications)


def main() -> None:
    """Run a command; a known error becomes one line on standard error and exit code 1."""
    try:
        app()
    except BiolakeError as error:
        fail(error, "--json" in sys.argv)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
