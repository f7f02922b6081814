"""What every engine over a lake does with a statement: commands, limits, deadlines, and processes that check it.

An engine answers SELECT; what people ask about the lake itself (`SHOW TABLES`, `DESCRIBE`) is answered here from the
lake's names, so that it is the same everywhere.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from biolake.sql import errors
from biolake.sql.answers import answer_command
from biolake.sql.commands import read_command
from biolake.sql.models import Limits, Parameters, SearchSource
from biolake.sql.names import LakeNames, Visible
from biolake.sql.process import WorkerPool
from biolake.sql.result import QueryResult
from biolake.sql.versions import LakeVersions

# A process that checks or answers ends itself at the deadline; this much later it is ended.
GRACE_SECONDS = 1.0


class LakeEngine(ABC):
    """Answers statements over one lake. Safe to share between threads; close it to end its processes.

    Args:
        versions: The versions of the lake's tables.
        folders: What the processes may read.
        search: Answers `search('text')` in statements; without it the function is refused.
        limits: What statements may cost.
    """

    def __init__(
        self,
        versions: LakeVersions,
        folders: Sequence[Path],
        search: SearchSource | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._names = LakeNames(versions)
        self._search = search
        self._limits = limits or Limits()
        self._pool = WorkerPool(self._limits, folders)

    @abstractmethod
    def _select(
        self, sql: str, parameters: Parameters | None, rows: int, started: float, deadline: float, visible: Visible
    ) -> QueryResult:
        """Answer a SELECT with at most so many rows; the times are of the monotonic clock."""

    def query(
        self,
        sql: str,
        parameters: Parameters | None = None,
        *,
        max_rows: int | None = None,
        timeout: float | None = None,
        repositories: Collection[str] | None = None,
    ) -> QueryResult:
        """Answer one statement; see :class:`biolake.sql.models.SqlEngine`."""
        started = time.monotonic()
        visible = None if repositories is None else frozenset(repositories)
        command = read_command(sql)
        if command is not None:

            def ask(made: str) -> QueryResult:
                return self.query(made, max_rows=max_rows, timeout=timeout, repositories=visible)

            return answer_command(command, self._names, visible, ask)
        seconds = min(timeout or self._limits.seconds, self._limits.seconds)
        rows = min(self._limits.rows if max_rows is None else max(0, max_rows), self._limits.rows)
        try:
            return self._select(sql, parameters, rows, started, started + seconds, visible)
        except errors.QueryTimedOut as error:
            raise errors.QueryTimedOut(
                f"no answer within {seconds:g} s. Select less, filter by feature_id or dataset_id, or give it longer."
            ) from error

    def process_ids(self) -> list[int]:
        """Return the operating system's numbers of the processes that wait for statements."""
        return self._pool.process_ids()

    def close(self) -> None:
        """End the engine's processes."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
