"""`biolake ingest` and `biolake reprocess`: put files into the bucket, or ask for datasets to be read again."""

from pathlib import Path
from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.jobs import show_jobs
from biolake.cli.output import AsJson, err, say
from biolake.cli.progress import job_progress
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
        for path in files:
            check_name(target, path.name)
        keys = [key for path in files for key in upload(path, here.bucket, target.folder)]
        if wait:
            _run(here, repository, as_json)
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
            _run(here, repository, as_json)
        else:
            show_jobs(asked, as_json)


def _run(here: Platform, repository: str, as_json: bool) -> None:
    ended = run_until_done(here, repository, quiet=as_json)
    show_jobs(ended, as_json)
    if any(job.state == JobState.ERRORED for job in ended):
        raise typer.Exit(1)


def run_until_done(here: Platform, repository: str, *, quiet: bool) -> list[Job]:
    """Drive a repository's sensor and runs in this process; return the jobs that ended."""
    from biolake.cli.dagster import quieten

    quieten()
    from platform_assets.drive import drive_repository, local_instance

    with local_instance(here.settings.home) as instance, job_progress(repository, quiet=quiet) as told:
        return drive_repository(here, instance, repository, progress=told)
