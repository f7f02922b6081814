"""`biolake download`: bring public datasets here."""

from pathlib import Path
from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.ingest import run_until_done
from biolake.cli.output import AsJson, err, print_json, say
from biolake.cli.progress import transfer_progress
from biolake.objects.upload import upload

app = typer.Typer(no_args_is_help=True, help="Download public datasets.")


@app.command("geo")
def geo(
    accession: Annotated[str, typer.Argument(help="GSE or GDS accession.")],
    repository: Annotated[str | None, typer.Option("--repository", "-r", help="Put it into this repository.")] = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to download into.")] = Path(),
    wait: Annotated[bool, typer.Option("--wait", help="With --repository: process it here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Download a series' matrices or a data set from NCBI GEO."""
    from biolake.downloads.geo import download_geo

    with transfer_progress(quiet=as_json) as told:
        paths = download_geo(accession, folder, progress=told)
    if repository is not None:
        with platform() as here:
            target = here.repositories.get(repository)
            for path in paths:
                upload(path, here.bucket, target.folder)
            if wait:
                run_until_done(here, repository, quiet=as_json)
    if as_json:
        print_json([str(path) for path in paths])
    else:
        say(err, "\n".join(map(str, paths)))
