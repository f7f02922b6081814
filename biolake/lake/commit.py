"""Exactly-once commits of one lot's rows.

Every commit carries a Delta application transaction named after its table's lot. A dataset is at most once in a lot, so
rows of a dataset that the table already holds for that lot were written by an earlier attempt and are left out. When a
commit fails, the table is read again: another attempt, or this one with its answer lost, may have landed. Source of the
rule: the Delta protocol's transaction identifiers (https://github.com/delta-io/delta/blob/master/PROTOCOL.md).
"""

# pyarrow makes its compute functions at import, out of pyright's sight.
# pyright: reportAttributeAccessIssue=false

import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from deltalake import (
    BloomFilterProperties,
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError
from numpy.typing import NDArray

from biolake.formats.models import Dataset
from biolake.lake.errors import CommitContended
from biolake.lake.lake import COMMIT_RETRIES, STORE_TRIES, Lake, no_answer
from biolake.lake.rows import Origin, end_of_part, matrix_rows, matrix_sizes
from biolake.lake.schemas import DATASETS, FEATURES, MATRIX, PROVENANCE, SAMPLES, TableSchema

_TRIES = 30
_ROW_GROUP_VALUES = 500_000
_ROW_GROUP_UNFOLDED = 8_000_000
_ROW_GROUP_MOST_ROWS = 16_384
_ROW_GROUP_LEAST_ROWS = 128
# Another attempt must cut alike: a change of these needs another name for the transactions of portions.
_PORTION_VALUES = 32_000_000
_LEAST_PORTIONS = 2

_PORTIONS_AT_A_TIME = 2


@dataclass
class LotRows:
    """Rows of some datasets of a lot, ready to be committed together.

    Attributes:
        datasets: Rows of `datasets`.
        removed: Datasets that the commit removes from view.
    """

    datasets: pa.Table
    samples: list[pa.Table] = field(default_factory=list)
    features: list[pa.Table] = field(default_factory=list)
    matrix: list[pa.RecordBatch] = field(default_factory=list)
    removed: tuple[str, ...] = ()


class LotWriter:
    """Writes the rows of one lot. Any number of attempts, dead or alive, leave each row once."""

    def __init__(self, lake: Lake, repository: str, lot: str, still_mine: Callable[[], None] = lambda: None) -> None:
        """Name the lot; nothing is read yet.

        Args:
            lake: The lake.
            repository: Folder of the tables.
            lot: Key of the lot.
            still_mine: Asked between the opening of a table and each commit; raises where another attempt has taken
                the lot over.
        """
        self._lake = lake
        self._repository = repository
        self._lot = lot
        self._application = f"{repository}/{lot}"
        self._still_mine = still_mine
        self.versions: dict[str, int] = {}

    def stored(self) -> set[str]:
        """Return the datasets of this lot that the lake already shows."""
        table = self._lake.find(self._repository, DATASETS.name)
        return set() if table is None else self._present(table)

    def fence(self, lot: str | None = None) -> None:
        """Make the commits fail that an earlier attempt at the lot has prepared and not yet sent.

        Args:
            lot: Another lot that had the datasets of this one, instead of this one.

        Such an attempt opened `datasets` before this empty commit under the same transaction name, which its own commit
        conflicts with; an attempt that opens the table later is stopped by `still_mine`.
        """

        def write(table: DeltaTable, _: bool) -> Callable[[CommitProperties], None]:
            return lambda properties: table.create_write_transaction(
                [], "append", table.schema(), [], commit_properties=properties
            )

        self._once(DATASETS, write, None if lot is None else f"{self._repository}/{lot}")

    def commit(self, rows: LotRows) -> None:
        """Commit every level of some datasets; they appear together when `datasets`, the last, is committed.

        Raises:
            CommitContended: Other writers were faster each time.
            LakeUnavailable: The store did not answer; the same call may be repeated.
        """
        self._append(MATRIX, pa.Table.from_batches(rows.matrix, MATRIX.arrow), sort=("feature_id", "dataset_id"))
        self._append(FEATURES, pa.concat_tables([FEATURES.arrow.empty_table(), *rows.features]))
        self._append(SAMPLES, pa.concat_tables([SAMPLES.arrow.empty_table(), *rows.samples]))
        self.show(rows.datasets, rows.removed)

    def stream_matrix(self, dataset: Dataset, origin: Origin) -> None:
        """Commit the matrix of one large dataset in portions, two at a time, without holding all of it.

        Encoding keeps one core busy for each portion. Each has a transaction of its own, named after its rows, so an
        attempt leaves out what another has committed.
        """
        with ThreadPoolExecutor(_PORTIONS_AT_A_TIME, thread_name_prefix="matrix") as pool:
            written = [
                pool.submit(self._write_portion, dataset, origin, begin, end, values)
                for begin, end, values in _portions(matrix_sizes(dataset))
            ]
            try:
                for portion in written:
                    portion.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _write_portion(self, dataset: Dataset, origin: Origin, begin: int, end: int, values: int) -> None:
        properties = writer_properties(values // (end - begin), dataset.samples.height)

        def write(table: DeltaTable, again: bool) -> Callable[[CommitProperties], None] | None:
            if again:
                return None
            rows = pa.RecordBatchReader.from_batches(MATRIX.arrow, matrix_rows(dataset, origin, begin, end))
            return self._write(table, rows, properties)

        self._once(MATRIX, write, f"{self._application}/{origin.dataset_id}/{begin}-{end}")

    def show(self, datasets: pa.Table, removed: Iterable[str] = ()) -> None:
        """Make these versions the current ones, and remove others from view, in one commit."""
        gone = list(removed)

        def write(table: DeltaTable, again: bool) -> Callable[[CommitProperties], None] | None:
            fresh = _without(datasets, self._present(table)) if again else datasets
            ids = [*fresh.column("dataset_id").to_pylist(), *gone]
            known = _existing(table, ids)
            if not known:
                return self._write(table, fresh) if fresh.num_rows else None
            predicate = f"dataset_id IN ({', '.join(_quoted(dataset_id) for dataset_id in ids)})"
            # Without rows it is a deletion; DeltaTable.delete would leave files that pyarrow cannot filter any more.
            return lambda properties: write_deltalake(
                table, fresh, mode="overwrite", predicate=predicate, commit_properties=properties
            )

        self._once(DATASETS, write)

    def record(self, provenance: pa.Table) -> None:
        """Add rows of `provenance`."""
        self._append(PROVENANCE, provenance)

    def _append(self, schema: TableSchema, rows: pa.Table, sort: tuple[str, ...] = ()) -> None:
        if rows.num_rows == 0:
            return

        def write(table: DeltaTable, again: bool) -> Callable[[CommitProperties], None] | None:
            fresh = _without(rows, self._present(table)) if again else rows
            if fresh.num_rows == 0:
                return None
            if sort:
                fresh = fresh.take(pc.sort_indices(fresh, sort_keys=[(name, "ascending") for name in sort]))
            return self._write(table, fresh, _properties_for(fresh))

        self._once(schema, write)

    def _write(
        self, table: DeltaTable, data: pa.Table | pa.RecordBatchReader, properties: WriterProperties | None = None
    ) -> Callable[[CommitProperties], None]:
        # A table that was made before a column was declared gets it with the first rows that have it.
        known = {field.name for field in table.schema().fields}
        lacks = any(name not in known for name in data.schema.names)
        return lambda commit: write_deltalake(
            table,
            data,
            mode="append",
            schema_mode="merge" if lacks else None,
            writer_properties=properties or writer_properties(1),
            commit_properties=commit,
        )

    def _once(
        self,
        schema: TableSchema,
        write: Callable[[DeltaTable, bool], Callable[[CommitProperties], None] | None],
        application: str | None = None,
    ) -> None:
        """Make one commit; `write` is told the table and whether the transaction was there before."""
        application = application or self._application
        silences = 0
        for attempt in range(_TRIES):
            try:
                version = self._try(schema, write, application)
            except CommitFailedError:
                # Not known whether it landed: the next round reads the table and writes what is missing.
                time.sleep(random.uniform(0, 0.05 * (attempt + 1)))  # noqa: S311
            except OSError as error:
                # The store broke off, after deltalake's own repetitions: not known either.
                silences += 1
                if silences == STORE_TRIES:
                    raise no_answer(self._lake.uri(self._repository, schema.name), error) from error
                time.sleep(random.uniform(0, silences))  # noqa: S311
            else:
                self.versions[schema.name] = version
                return
        raise CommitContended(
            f"{self._lake.uri(self._repository, schema.name)}: {_TRIES} commits of lot {self._lot} lost to other "
            "writers. Reduce BIOLAKE_ACTIVE_LOTS."
        )

    def _try(
        self,
        schema: TableSchema,
        write: Callable[[DeltaTable, bool], Callable[[CommitProperties], None] | None],
        application: str,
    ) -> int:
        """Read the table, commit what it lacks, and return its version."""
        table = self._lake.open_or_create(self._repository, schema)
        last = table.transaction_version(application)
        self._still_mine()
        commit = write(table, last is not None)
        if commit is None:
            return table.version()
        commit(
            CommitProperties(
                custom_metadata={"biolake.lot": self._lot},
                max_commit_retries=COMMIT_RETRIES,
                app_transactions=[Transaction(application, (last or 0) + 1)],
            )
        )
        return self._lake.open(self._repository, schema.name).version()

    def _present(self, table: DeltaTable) -> set[str]:
        rows = table.to_pyarrow_dataset().to_table(columns=["dataset_id"], filter=pads.field("lot") == self._lot)
        return set(pc.unique(rows.column("dataset_id")).to_pylist())


def _portions(sizes: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield the first row, the row after the last and the number of values of each portion."""
    total = int(sizes[-1])
    most = -(-total // max(_LEAST_PORTIONS, -(-total // _PORTION_VALUES)))
    begin = 0
    while begin < len(sizes) - 1:
        end = min(len(sizes) - 1, end_of_part(sizes, begin, most))
        yield begin, end, int(sizes[end] - sizes[begin])
        begin = end


def _existing(table: DeltaTable, ids: list[str]) -> set[str]:
    if not ids:
        return set()
    rows = table.to_pyarrow_dataset().to_table(
        columns=["dataset_id"], filter=pads.field("dataset_id").isin(pa.array(ids, pa.string()))
    )
    return set(rows.column("dataset_id").to_pylist())


def _without(rows: pa.Table, present: set[str]) -> pa.Table:
    if not present:
        return rows
    known = pc.is_in(rows.column("dataset_id"), value_set=pa.array(sorted(present), pa.string()))
    return rows.filter(pc.invert(known))


def _properties_for(rows: pa.Table) -> WriterProperties:
    if "values" not in rows.column_names or rows.num_rows == 0:
        return writer_properties(1)
    stored = pc.sum(pc.list_value_length(rows.column("values"))).as_py() // rows.num_rows
    spans = pc.list_flatten(rows.column("spans").drop_null())
    return writer_properties(stored, max(stored, (pc.sum(spans).as_py() or 0) // rows.num_rows))


def writer_properties(values_per_row: int, samples_per_row: int = 1) -> WriterProperties:
    """How rows are laid out in files: row groups small enough to find one feature, and to unfold all of a group.

    Args:
        values_per_row: How many values a row stores, about.
        samples_per_row: For how many samples they stand.
    """
    most = min(_ROW_GROUP_VALUES // max(1, values_per_row), _ROW_GROUP_UNFOLDED // max(1, samples_per_row))
    rows = min(_ROW_GROUP_MOST_ROWS, max(_ROW_GROUP_LEAST_ROWS, most))
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=rows,
        column_properties={
            "feature_id": ColumnProperties(
                dictionary_enabled=True, bloom_filter_properties=BloomFilterProperties(True, 0.01, rows)
            )
        },
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
