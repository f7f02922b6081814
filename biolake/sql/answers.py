"""Answers SHOW and DESCRIBE from the lake's names, for every engine. What the commands are is in `commands`."""

# ruff: noqa: S608 - statements made here are checked like users'

import time
from collections.abc import Callable

from biolake.sql.catalog import describe_columns, schemas_table, tables_table
from biolake.sql.commands import Describe, ShowSchemas, ShowTables
from biolake.sql.models import MATRICES
from biolake.sql.names import LakeNames, Visible
from biolake.sql.result import QueryResult


def answer_command(
    command: ShowSchemas | ShowTables | Describe,
    names: LakeNames,
    visible: Visible,
    query: Callable[[str], QueryResult],
) -> QueryResult:
    """Return the answer to a command.

    Args:
        command: The command.
        names: The lake's names.
        visible: Repositories that exist for the caller; all where None.
        query: Answers a SELECT for the same caller.

    Raises:
        UnknownTable: The command names what does not exist.
    """
    started = time.monotonic()
    if isinstance(command, ShowSchemas):
        return QueryResult.of(schemas_table(names.repositories(visible)), time.monotonic() - started)
    if isinstance(command, Describe):
        shape = query(f"SELECT * FROM {command.table} LIMIT 0")
        name = command.table.replace('"', "").split(".")[-1].strip().lower()
        return QueryResult.of(describe_columns(name, shape.columns), time.monotonic() - started)
    if (command.repository or "").lower() == MATRICES:
        return _matrices(names, visible, query)
    known = names.repositories(visible) if command.repository is None else [names.spelled(command.repository, visible)]
    return QueryResult.of(tables_table({name: names.tables(name) for name in known}), time.monotonic() - started)


def _matrices(names: LakeNames, visible: Visible, query: Callable[[str], QueryResult]) -> QueryResult:
    parts = [
        f"SELECT '{MATRICES}' AS repository, '{name}__' || dataset_id AS \"table\", title AS description "
        f'FROM "{name}".datasets WHERE n_values > 0'
        for name in names.repositories(visible)
        if "datasets" in names.tables(name)
    ]
    if not parts:
        return QueryResult.of(tables_table({}), 0.0)
    return query(" UNION ALL ".join(parts) + ' ORDER BY "table"')
