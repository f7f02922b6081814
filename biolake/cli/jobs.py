"""`biolake jobs`: what arrived and what became of it, and putting back messages that nobody understood."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.output import AsJson, out, print_json, print_table, say
from biolake.events.errors import NoEventsQueue
from biolake.ledger.jobs import count_jobs, find_jobs
from biolake.ledger.models import Job, JobState
from biolake.platform import Platform

app = typer.Typer()

_COLUMNS = ("dataset", "repository", "action", "state", "lot", "size", "attempts", "updated", "reason")


@app.callback(invoke_without_command=True)
def jobs(
    context: typer.Context,
    state: Annotated[list[JobState] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    repository: Annotated[str | None, typer.Option(help="Only this repository.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only this dataset; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the newest so many.")] = 50,
    watch: Annotated[bool, typer.Option("--watch", help="Show again every two seconds until interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest last, with the reason of those that failed or wait."""
    if context.invoked_subcommand is not None:
        return
    with platform() as here:
        while True:
            found = _find(here, state, repository, dataset, limit)
            if watch and out.is_terminal:
                out.clear()
            show_jobs(found, as_json)
            if not as_json:
                _show_counts(here, repository)
            if not watch:
                return
            time.sleep(2)


@app.command("redrive")
def redrive_events(as_json: AsJson = False) -> None:
    """Put the dead letters of the events queue back into it, after what made them unreadable was mended."""
    from biolake.events.queue import Queue
    from biolake.events.redrive import redrive

    with platform() as here:
        if here.settings.events is None:
            raise NoEventsQueue("BIOLAKE_EVENTS is not set: arrivals are found by listing, and there are no messages.")
        moved = redrive(Queue(here.settings.events))
    if as_json:
        print_json({"redriven": moved})
    else:
        say(out, f"{moved} dead letters are in the queue again" if moved else "there are no dead letters")


def show_jobs(found: Sequence[Job], as_json: bool) -> None:
    """Print jobs."""
    if as_json:
        print_json([job_document(job) for job in found])
    else:
        print_table("", _COLUMNS, [_row(job) for job in found])


def job_document(job: Job) -> dict[str, object]:
    """A job for programs."""
    return {**asdict(job), "action": job.action.value, "state": job.state.value, "priority": job.priority.value}


def _find(
    here: Platform, states: list[JobState] | None, repository: str | None, datasets: list[str] | None, limit: int
) -> list[Job]:
    if repository is not None:
        here.repositories.get(repository)
    with here.ledger.reading() as connection:
        if datasets:
            return find_jobs(connection, repository, states=states, dataset_ids=datasets)[-limit:]
        return find_jobs(connection, repository, states=states, newest=limit)


def _show_counts(here: Platform, repository: str | None) -> None:
    with here.ledger.reading() as connection:
        counts = count_jobs(connection, repository)
    say(out, "  ".join(f"{state.value} {counts[state]}" for state in JobState if state in counts) or "no jobs yet")


def _row(job: Job) -> tuple[object, ...]:
    return (
        job.dataset_id,
        job.repository,
        job.action.value,
        job.state.value,
        job.lot,
        job.size,
        job.attempts,
        job.updated_at,
        job.reason,
    )
