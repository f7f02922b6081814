"""Many recordings beside each other in one runtime: as many as memory and cores allow, outcomes as they come."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime

from biolake.studies.processing.models import Limits, Outcome, ProcessingTask
from biolake.studies.processing.plan import plan
from biolake.studies.processing.reservation import Reservations
from biolake.studies.processing.runner import process, scanned
from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.runtimes import Runtime
from biolake.studies.states import State


def process_all(
    tasks: Iterable[ProcessingTask],
    runtime: Runtime,
    limits: Limits,
    *,
    memory_budget: int,
    cores: int,
    reservations: Reservations | None = None,
) -> Iterator[Outcome]:
    """Process recordings and yield the outcome of each as it ends; one that breaks does not disturb the others.

    Args:
        tasks: Their keys must differ.
        runtime: Where SKDH runs; imported once for all of them.
        limits: For each of them.
        memory_budget: Bytes that those running together may be planned with.
        cores: How many may run at once.
        reservations: What other processes on this machine hold, where there are others.

    Raises:
        RuntimeBroken: The runtime cannot be started at all.
        OSError: A file or an output folder cannot be used.
    """
    with ThreadPoolExecutor(max(1, cores), thread_name_prefix="recording") as pool:
        known = {task.key: task for task in pool.map(scanned, tasks)}
        planned = plan(known.values(), limits, memory_budget, cores)
        for demand in planned.too_large:
            yield _too_large(known[demand.key], demand.memory_bytes, memory_budget)
        with WarmRuntime(runtime) as warm:
            running: dict[Future[Outcome], str] = {}
            while not planned.done:
                for demand in planned.start():
                    task = known[demand.key]
                    running[pool.submit(process, task, runtime, limits, warm, reservations)] = demand.key
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    planned.finished(running.pop(future))
                # The next ones start before the caller has looked at these.
                for demand in planned.start():
                    task = known[demand.key]
                    running[pool.submit(process, task, runtime, limits, warm, reservations)] = demand.key
                for future in ended:
                    yield future.result()


def _too_large(task: ProcessingTask, needed: int, budget: int) -> Outcome:
    now = datetime.now(UTC)
    reason = (
        f"{task.samples} samples need {needed / 2**30:.1f} GiB, the budget is {budget / 2**30:.1f} GiB. "
        "Give the machine more memory or trim the recording."
    )
    return replace(Outcome(task.key, State.FAILED, reason), scans=task.scans, started=now, ended=now)
