"""Which recordings may run beside each other: their memory is known from their samples, and is never over the budget.

A plan is a pure ledger of demands; `batch.py` runs what it lets start.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from biolake.studies.processing.models import Limits, ProcessingTask


@dataclass(frozen=True)
class Demand:
    """What one recording needs.

    Attributes:
        key: The task's.
        memory_bytes: At the peak.
        size: How long it takes in comparison with the others: its samples.
    """

    key: str
    memory_bytes: int
    size: int


@dataclass
class Plan:
    """Recordings that wait and that run, within a budget of memory and a number of processes.

    Attributes:
        memory_budget: Bytes that all running recordings may need together.
        cores: How many may run at once.
        too_large: Demands that would not fit even alone.
    """

    memory_budget: int
    cores: int
    too_large: tuple[Demand, ...] = ()
    _waiting: list[Demand] = field(default_factory=list)
    _running: dict[str, Demand] = field(default_factory=dict)

    @property
    def running_bytes(self) -> int:
        """What the running recordings are planned with."""
        return sum(demand.memory_bytes for demand in self._running.values())

    @property
    def done(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._waiting and not self._running

    def start(self) -> list[Demand]:
        """Return what starts now, the longest first, and a shorter one where the longest does not fit beside others."""
        started: list[Demand] = []
        free = self.memory_budget - self.running_bytes
        for demand in list(self._waiting):
            if len(self._running) >= self.cores:
                break
            if demand.memory_bytes <= free:
                free -= demand.memory_bytes
                self._waiting.remove(demand)
                self._running[demand.key] = demand
                started.append(demand)
        return started

    def finished(self, key: str) -> None:
        """Free what the recording `key` needed."""
        del self._running[key]


def plan(tasks: Iterable[ProcessingTask], limits: Limits, memory_budget: int, cores: int) -> Plan:
    """Plan scanned tasks; their keys must differ.

    Args:
        tasks: With their scans.
        limits: Say how much memory a sample takes.
        memory_budget: Bytes.
        cores: Processes at once.
    """
    demands = [Demand(task.key, limits.memory_bytes(task.samples), task.samples) for task in tasks]
    if len({demand.key for demand in demands}) != len(demands):
        raise ValueError("two tasks have one key")
    fitting = [demand for demand in demands if demand.memory_bytes <= memory_budget]
    # The longest first: a long one that starts last leaves the other cores idle.
    fitting.sort(key=lambda demand: (-demand.size, demand.key))
    too_large = tuple(demand for demand in demands if demand.memory_bytes > memory_budget)
    return Plan(memory_budget, max(1, cores), too_large, fitting)
