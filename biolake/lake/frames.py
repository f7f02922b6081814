"""Whole data frames as tables of the lake: written once per transaction, replaced only where a predicate says so."""

import polars as pl
from deltalake import CommitProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from biolake.lake.errors import CommitContended
from biolake.lake.lake import COMMIT_RETRIES, STORE_TRIES, Lake, no_answer

_TRIES = 10


def write_frame(
    lake: Lake,
    repository: str,
    table: str,
    frame: pl.DataFrame,
    *,
    partition: tuple[str, str] | None,
    transaction: str,
    description: str = "",
) -> int:
    """Write `frame` and return the table's version.

    Args:
        lake: The lake.
        repository: Folder of the table.
        table: Name of the table.
        frame: The rows; new columns are added to the table.
        partition: Column and value: rows with that value are replaced, all others stay. None appends.
        transaction: Name of this write; writing again under the same name changes nothing.
        description: For a new table.

    Raises:
        LakeUnavailable: The store did not answer. Writing again under the same name is safe.
        CommitContended: Other writers were faster each time.
    """
    silences = 0
    for _ in range(_TRIES):
        found = lake.find(repository, table)
        if found is not None and found.transaction_version(transaction) is not None:
            return found.version()
        commit = CommitProperties(max_commit_retries=COMMIT_RETRIES, app_transactions=[Transaction(transaction, 1)])
        data = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        target = found if found is not None else lake.uri(repository, table)
        try:
            if found is None:
                write_deltalake(
                    target,
                    data,
                    mode="error",
                    description=description or None,
                    commit_properties=commit,
                    storage_options=lake.storage_options,
                )
            elif partition is None:
                write_deltalake(target, data, mode="append", schema_mode="merge", commit_properties=commit)
            else:
                column, value = partition
                quoted = value.replace("'", "''")
                write_deltalake(
                    target,
                    data,
                    mode="overwrite",
                    predicate=f"{column} = '{quoted}'",
                    schema_mode="merge",
                    commit_properties=commit,
                )
        except CommitFailedError:
            continue
        except OSError as error:
            # The next round finds out whether it landed.
            silences += 1
            if silences == STORE_TRIES:
                raise no_answer(lake.uri(repository, table), error) from error
            continue
        return lake.open(repository, table).version()
    raise CommitContended(f"{lake.uri(repository, table)}: {_TRIES} commits lost to other writers. Try again.")


def read_frame(lake: Lake, repository: str, table: str, *, partition: tuple[str, str] | None = None) -> pl.DataFrame:
    """Read a table, or the rows whose column has the partition's value.

    Raises:
        LakeTableMissing: There is no such table.
    """
    frame = pl.DataFrame(lake.open(repository, table).to_pyarrow_table())
    return frame if partition is None else frame.filter(pl.col(partition[0]) == partition[1])
