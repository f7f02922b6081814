"""What any SQL engine of the platform takes and gives. Results are in `result`, the engines in modules of their own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import pyarrow as pa

    from biolake.sql.result import QueryResult

Scalar = str | int | float | bool | None
Parameters = Sequence[Scalar | Sequence[Scalar]] | Mapping[str, Scalar | Sequence[Scalar]]

MATRICES = "data_matrices"
SEARCH_COLUMNS = ("repository", "dataset_id", "score", "rank", "title")


class SearchSource(Protocol):
    """Full-text search as `search('text')` uses it: a table with the columns `SEARCH_COLUMNS`, best first.

    Only the options that a statement gives are passed: `repository` (str) and `limit` (int).
    """

    def __call__(self, text: str, **options: str | int) -> "pa.Table":
        """Return the hits for `text`, best first."""
        ...


def search_schema() -> "pa.Schema":
    """Return the Arrow schema of `SEARCH_COLUMNS`."""
    import pyarrow as pa

    types = (pa.string(), pa.string(), pa.float64(), pa.int64(), pa.string())
    return pa.schema(list(zip(SEARCH_COLUMNS, types, strict=True)))


class SqlEngine(Protocol):
    """Answers read-only statements about the lake. Safe to share between threads."""

    def query(
        self,
        sql: str,
        parameters: Parameters | None = None,
        *,
        max_rows: int | None = None,
        timeout: float | None = None,
        repositories: Collection[str] | None = None,
    ) -> "QueryResult":
        """Answer one statement.

        Args:
            sql: One SELECT, SHOW or DESCRIBE statement.
            parameters: Values for `?` (a sequence) or `$name` (a mapping).
            max_rows: Rows to return at most; the rest is cut and the result says so.
            timeout: Seconds of wall time.
            repositories: Those the caller may see; all where None. Others do not exist for the statement.

        Raises:
            SqlError: One of its subclasses, with the position in the statement where there is one.
        """
        ...

    def close(self) -> None:
        """End the engine's processes."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What statements may cost.

    Attributes:
        processes: Statements answered at the same time, each in its own process.
        threads: Threads of each process.
        memory_bytes: Address space of each process; half of it is the engine's own budget.
        seconds: Wall time of a statement that does not say its own, and the most it may ask for.
        rows: Rows of a result that does not say its own, and the most it may ask for.
        result_bytes: Bytes of a result, in Arrow's stream format.
        characters: Length of a statement.
        nesting: Depth of parentheses in a statement.
        matrix_columns: Samples of a dataset up to which it may be read with one column per sample.
        local_copy_bytes: Disk that copies of a remote lake's files may take.
    """

    processes: int = 2
    threads: int = 2
    memory_bytes: int = 4 * 1024**3
    seconds: float = 60.0
    rows: int = 1_000_000
    result_bytes: int = 256 * 1024**2
    characters: int = 100_000
    nesting: int = 64
    matrix_columns: int = 5_000
    local_copy_bytes: int = 20 * 1024**3
