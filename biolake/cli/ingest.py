"""`biolake ingest` and `biolake reprocess`: put files into the bucket, or ask for datasets to be read again."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from biolake.arrivals.tell import tell
from biolake.cli.deployment import platform
from biolake.cli.jobs import show_jobs
from biolake.cli.output import AsJson, err, say
from biolake.cli.progress import job_progress
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import Job, JobState
from biolake.objects.upload import upload
from biolake.platform import Platform
from biolake.repositories.identity import check_name

Wait = Annotated[
    bool, typer.Option("--wait", help="Run the sensor and its runs here until the jobs have ended; no daemon needed.")
]
RepositoryName = Annotated[str, typer.Option("--repository", "-r", help="Name of the repository.")]


def ingest(
    files: Annotated[list[Path], typer.Argument(exists=True, help="Files, or folders of 10x matrix-market files.")],
    repository: RepositoryName,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Copy files into a repository's folder of the landing bucket, where the arrival sensor finds them."""
    with platform() as here:
        target = here.repositories.get(repository)
        _refuse_equal_names(files)
        for path in files:
            check_name(target, _name(path))
        keys = [key for path in files for key in upload(path, here.bucket, target.folder)]
        landed = set(keys)
        if here.settings.events:
            # What is uploaded here need not wait for its event.
            tell(here.ledger, target, keys)
        if wait:
            _run(here, repository, as_json, lambda job: any(part.version.key in landed for part in job.parts))
        elif not as_json:
            say(err, f"{len(keys)} objects in {here.bucket.uri(target.folder)}. `biolake jobs --watch` follows them.")


def reprocess_datasets(
    repository: RepositoryName,
    dataset: Annotated[list[str] | None, typer.Option(help="Only this dataset; may be repeated.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Read datasets again from the objects that are there; together they are a new lot."""
    from biolake.arrivals.reprocess import reprocess

    with platform() as here:
        asked = reprocess(here.ledger, here.repositories.get(repository), dataset or ())
        if wait:
            ids = {job.id for job in asked}
            _run(here, repository, as_json, lambda job: job.id in ids)
        else:
            show_jobs(asked, as_json)


def _name(path: Path) -> str:
    return path.name if path.is_file() else path.resolve().name


def _refuse_equal_names(files: list[Path]) -> None:
    """Two files of one name would be one object: the second would silently take the place of the first."""
    first: dict[str, Path] = {}
    for path in files:
        name = unicodedata.normalize("NFC", _name(path))
        if name in first:
            raise typer.BadParameter(
                f"{first[name]} and {path} would both be the object {name}. Rename one, or leave it out."
            )
        first[name] = path


def _run(here: Platform, repository: str, as_json: bool, touched: Callable[[Job], bool]) -> None:
    """Process a repository; show the jobs that ended, and of those that wait for another file the touched ones."""
    ended = run_until_done(here, repository, quiet=as_json)
    with here.ledger.reading() as connection:
        pending = find_jobs(connection, repository, states=[JobState.PENDING_PAIR])
    show_jobs([*ended, *filter(touched, pending)], as_json)
    if any(job.state == JobState.ERRORED for job in ended):
        raise typer.Exit(1)


def run_until_done(here: Platform, repository: str, *, quiet: bool) -> list[Job]:
    """Drive a repository's sensor and runs in this process; return the jobs that ended."""
    from biolake.cli.dagster import quieten

    quieten()
    from platform_assets.drive import deployment_instance, drive_repository

    with deployment_instance(here.settings) as instance, job_progress(repository, quiet=quiet) as told:
        return drive_repository(here, instance, repository, progress=told)
