"""Progress bars, shown only where a person looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from biolake.cli.output import clean, err
from biolake.downloads.transfer import Progress
from biolake.ledger.models import Job


@contextmanager
def job_progress(doing: str, *, quiet: bool) -> Iterator[Callable[[list[Job]], None]]:
    """Yield a function that is told the unfinished jobs again and again."""
    if quiet or not err.is_terminal:
        yield lambda jobs: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(clean(doing).plain, total=None)
        most = 0

        def told(jobs: list[Job]) -> None:
            nonlocal most
            most = max(most, len(jobs))
            bar.update(task, total=most, completed=most - len(jobs))

        yield told


@contextmanager
def transfer_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that is told how much of each file has arrived."""
    if quiet or not err.is_terminal:
        yield lambda progress: None
        return
    with Bar(
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), console=err, transient=True
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def told(progress: Progress) -> None:
            if progress.file not in tasks:
                tasks[progress.file] = bar.add_task(clean(progress.file).plain, total=progress.total_bytes)
            bar.update(tasks[progress.file], completed=progress.received_bytes)

        yield told
