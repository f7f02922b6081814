"""What a statement's names mean in the lake: repositories, tables, matrices, searches.

Every engine resolves names here, so they exist, are hidden and are misspelled in the same way on all of them. Which
versions of the tables a statement sees is `versions`' business.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biolake.sql import errors
from biolake.sql.models import MATRICES, SEARCH_COLUMNS, Parameters, SearchSource, search_schema
from biolake.sql.parameters import parameter_value
from biolake.sql.syntax_tree import nearest
from biolake.sql.versions import LakeVersions
from biolake.sql.wire import MatrixReference, SearchCall, TableReference

if TYPE_CHECKING:
    import pyarrow as pa

LONG = "matrix_long"
Visible = frozenset[str] | None


@dataclass
class Named:
    """What a statement names, resolved.

    Attributes:
        tables: By repository, the tables to open; `datasets` is among them where rows of others hang on it.
        matrices: By name in the statement.
        references: By path in the statement, the repository and the table; matrices are not in it.
    """

    tables: dict[str, set[str]] = field(default_factory=dict)
    matrices: dict[str, MatrixReference] = field(default_factory=dict)
    references: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)

    def add(self, repository: str, *tables: str) -> None:
        """Note tables of a repository."""
        self.tables.setdefault(repository, {"datasets"} if _needs_datasets(tables) else set()).update(tables)
        if _needs_datasets(tables):
            self.tables[repository].add("datasets")


class LakeNames:
    """Resolves names against the lake as it is at each call; repositories that are not visible do not exist."""

    def __init__(self, lake: LakeVersions) -> None:
        self._lake = lake

    def repositories(self, visible: Visible) -> list[str]:
        """Return the names of the repositories that a statement may name."""
        return [name for name in self._lake.repositories() if visible is None or name in visible]

    def tables(self, repository: str) -> list[str]:
        """Return the names of a repository's tables as users see them."""
        tables = self._lake.tables(repository)
        return [*tables, LONG] if "matrix" in tables else tables

    def spelled(self, repository: str, visible: Visible) -> str:
        """Return the repository that a name means.

        Raises:
            UnknownTable: There is none.
        """
        known = self.repositories(visible)
        chosen = _match(repository, known)
        if chosen is None:
            raise errors.UnknownTable(_no_repository(repository, known))
        return chosen

    def resolve(self, tables: tuple[TableReference, ...], visible: Visible) -> Named:
        """Return what the tables that a statement names are.

        Raises:
            UnknownTable: One of them does not exist for the caller.
        """
        named = Named()
        for reference in tables:
            if len(reference.path) != 2:
                raise errors.UnknownTable(self._unqualified(reference, visible), reference.position)
            schema, table = reference.path
            if schema.lower() == MATRICES:
                matrix = self._matrix(table, reference, visible)
                named.matrices[matrix.name] = matrix
                named.add(matrix.repository, "datasets", "samples", "matrix")
                continue
            repository = self._repository(schema, visible)
            if repository is None:
                known = self.repositories(visible)
                raise errors.UnknownTable(_no_repository(schema, known), reference.position)
            if table.lower() == LONG:
                self._require_datasets(repository, reference)
                named.add(repository, "datasets", "samples", "matrix")
                named.references[reference.path] = (repository, LONG)
                continue
            name = self._table(repository, table, reference)
            if _needs_datasets({name}):
                self._require_datasets(repository, reference)
            named.add(repository, name)
            named.references[reference.path] = (repository, name)
        return named

    def note_found(self, named: Named, found: "list[pa.Table]") -> None:
        """Add the `datasets` of the repositories that searches found something in."""
        for table in found:
            for repository in table.column("repository").unique().to_pylist():
                if self._lake.has(repository, "datasets"):
                    named.add(repository, "datasets")

    def _repository(self, name: str, visible: Visible) -> str | None:
        """Return the repository that `name` means; the lake is listed only where the name is not its exact spelling."""
        if (visible is None or name in visible) and self._lake.has(name, "datasets"):
            return name
        return _match(name, self.repositories(visible))

    def _require_datasets(self, repository: str, reference: TableReference) -> None:
        if not self._lake.has(repository, "datasets"):
            raise errors.UnknownTable(
                f"{'.'.join(reference.path)}: {repository} has no table datasets, so none of its rows count.",
                reference.position,
            )

    def _table(self, repository: str, name: str, reference: TableReference) -> str:
        lowered = name.lower()
        if self._lake.has(repository, lowered):
            return lowered
        found = _match(name, self._lake.tables(repository))
        if found is None:
            known = self.tables(repository)
            near = nearest(name, known) or known
            raise errors.UnknownTable(
                f"repository {repository} has no table {name}. Did you mean {' or '.join(near)}?", reference.position
            )
        return found

    def _matrix(self, name: str, reference: TableReference, visible: Visible) -> MatrixReference:
        for split in re.finditer("__", name):
            repository = self._repository(name[: split.start()], visible)
            if repository is not None and name[split.end() :]:
                self._require_datasets(repository, reference)
                return MatrixReference(name, repository, name[split.end() :], reference.position)
        raise errors.UnknownTable(
            f"there is no {MATRICES}.{name}. A matrix is called {MATRICES}.<repository>__<dataset_id>; list them with "
            f"SHOW TABLES IN {MATRICES}.",
            reference.position,
        )

    def _unqualified(self, reference: TableReference, visible: Visible) -> str:
        table = reference.path[-1]
        if reference.path[0].lower() in ("information_schema", "pg_catalog"):
            return f"{'.'.join(reference.path)} is not shown. Use SHOW TABLES and DESCRIBE."
        known = self.repositories(visible)
        example = next((name for name in known if table.lower() in self.tables(name)), None)
        hint = f"Did you mean {example}.{table.lower()}?" if example else "List the tables with SHOW TABLES."
        return f"there is no table {'.'.join(reference.path)}. Tables are called <repository>.<table>. {hint}"


def found_by(
    search: SearchSource | None, call: SearchCall, parameters: Parameters | None, visible: Visible
) -> "pa.Table":
    """Return the hits of one `search()` in a statement, in `SEARCH_COLUMNS`.

    Raises:
        SearchUnavailable: There is no search.
    """
    import pyarrow as pa

    if search is None:
        raise errors.SearchUnavailable(
            "this engine was opened without a search index. Open it with one, or use LIKE.", call.position
        )
    text = call.text if call.parameter is None else parameter_value(call.parameter, parameters, call.position)
    found = search(str(text), **call.options)
    table = found.select(list(SEARCH_COLUMNS)).cast(search_schema())
    if visible is not None:
        seen = [name in visible for name in table.column("repository").to_pylist()]
        table = table.filter(pa.array(seen, pa.bool_()))
    return table


def _needs_datasets(tables: Collection[str]) -> bool:
    return bool({"datasets", "samples", "features", "matrix"} & set(tables))


def _match(name: str, known: Collection[str]) -> str | None:
    """Return the one of `known` that `name` spells: exactly, or but for case when only one does."""
    if name in known:
        return name
    alike = [k for k in known if k.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _no_repository(name: str, known: list[str]) -> str:
    near = nearest(name, tuple(known))
    hint = f"Did you mean {' or '.join(near)}?" if near else "List them with SHOW SCHEMAS."
    return f"there is no repository {name}. {hint}"
