"""A progress bar over jobs, shown only where a person looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from biolake.cli.output import err
from biolake.ledger.models import Job


@contextmanager
def job_progress(doing: str, *, quiet: bool) -> Iterator[Callable[[list[Job]], None]]:
    """Yield a function that is told the unfinished jobs again and again."""
    if quiet or not err.is_terminal:
        yield lambda jobs: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(doing, total=None)
        most = 0

        def told(jobs: list[Job]) -> None:
            nonlocal most
            most = max(most, len(jobs))
            bar.update(task, total=most, completed=most - len(jobs))

        yield told
