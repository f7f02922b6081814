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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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

from biolake.formats.models import Dataset
from biolake.lake.errors import CommitContended
from biolake.lake.lake import COMMIT_RETRIES, STORE_TRIES, Lake, no_answer
from biolake.lake.read_ahead import read_ahead
from biolake.lake.rows import Origin, end_of_part, matrix_rows, matrix_sizes
from biolake.lake.schemas import DATASETS, FEATURES, MATRIX, PROVENANCE, SAMPLES, TableSchema

_TRIES = 30
_ROW_GROUP_VALUES = 500_000
_ROW_GROUP_UNFOLDED = 8_000_000
_ROW_GROUP_MOST_ROWS = 16_384
_ROW_GROUP_LEAST_ROWS = 128
_PORTION_VALUES = 32_000_000


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

    def fence(self) -> None:
        """Make the commits fail that an earlier attempt at the lot has prepared and not yet sent.

        Such an attempt opened `datasets` before this empty commit under the same transaction name, which its own commit
        conflicts with; an attempt that opens the table later is stopped by `still_mine`.
        """

        def write(table: DeltaTable, _: set[str]) -> Callable[[CommitProperties], None]:
            return lambda properties: table.create_write_transaction(
                [], "append", table.schema(), [], commit_properties=properties
            )

        self._once(DATASETS, write)

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
        """Commit the matrix of one large dataset a portion at a time, without holding all of it.

        Rows keep their order, so the number of rows that the table holds says where the next portion begins.
        """
        sizes = matrix_sizes(dataset)
        total = len(sizes) - 1
        ended = 0

        def write(table: DeltaTable, present: set[str]) -> Callable[[CommitProperties], None] | None:
            nonlocal ended
            begin = self._rows_of(table, origin.dataset_id) if origin.dataset_id in present else 0
            if begin >= total:
                ended = total
                return None
            ended = min(total, end_of_part(sizes, begin, _PORTION_VALUES))
            rows = read_ahead(matrix_rows(dataset, origin, begin, ended))
            stored = int(sizes[ended] - sizes[begin]) // (ended - begin)
            reader = pa.RecordBatchReader.from_batches(MATRIX.arrow, rows)
            return self._write(table, reader, writer_properties(stored, dataset.samples.height))

        while ended < total:
            self._once(MATRIX, write)

    def show(self, datasets: pa.Table, removed: Iterable[str] = ()) -> None:
        """Make these versions the current ones, and remove others from view, in one commit."""
        gone = list(removed)

        def write(table: DeltaTable, present: set[str]) -> Callable[[CommitProperties], None] | None:
            fresh = _without(datasets, present)
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

        def write(table: DeltaTable, present: set[str]) -> Callable[[CommitProperties], None] | None:
            fresh = _without(rows, present)
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
        write: Callable[[DeltaTable, set[str]], Callable[[CommitProperties], None] | None],
    ) -> None:
        silences = 0
        for attempt in range(_TRIES):
            try:
                version = self._try(schema, write)
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
        write: Callable[[DeltaTable, set[str]], Callable[[CommitProperties], None] | None],
    ) -> int:
        """Read the table, commit what it lacks, and return its version."""
        table = self._lake.open_or_create(self._repository, schema)
        last = table.transaction_version(self._application)
        self._still_mine()
        commit = write(table, self._present(table) if last is not None else set())
        if commit is None:
            return table.version()
        commit(
            CommitProperties(
                custom_metadata={"biolake.lot": self._lot},
                max_commit_retries=COMMIT_RETRIES,
                app_transactions=[Transaction(self._application, (last or 0) + 1)],
            )
        )
        return self._lake.open(self._repository, schema.name).version()

    def _rows_of(self, table: DeltaTable, dataset_id: str) -> int:
        mine = (pads.field("lot") == self._lot) & (pads.field("dataset_id") == dataset_id)
        return table.to_pyarrow_dataset().count_rows(filter=mine)

    def _present(self, table: DeltaTable) -> set[str]:
        rows = table.to_pyarrow_dataset().to_table(columns=["dataset_id"], filter=pads.field("lot") == self._lot)
        return set(pc.unique(rows.column("dataset_id")).to_pylist())


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
        compression_level=3,
        max_row_group_size=rows,
        column_properties={
            "feature_id": ColumnProperties(
                dictionary_enabled=True, bloom_filter_properties=BloomFilterProperties(True, 0.01, rows)
            )
        },
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
