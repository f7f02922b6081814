"""The commands beside SELECT that users know: SHOW TABLES, SHOW SCHEMAS, SHOW COLUMNS and DESCRIBE.

Every engine answers them from the lake's catalog and the schemas' descriptions, so they read the same on all of them.
"""

import re
from dataclasses import dataclass

_NAME = r'(?:"(?:[^"]|"")+"|[\w$-]+)'
_TABLE = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_SHOW_TABLES = re.compile(rf"\s*show\s+(?:all\s+)?tables(?:\s+(?:in|from)\s+({_NAME}))?\s*;?\s*$", re.IGNORECASE)
_SHOW_SCHEMAS = re.compile(r"\s*show\s+(?:schemas|databases|repositories)\s*;?\s*$", re.IGNORECASE)
_DESCRIBE = re.compile(
    rf"\s*(?:describe|desc|show\s+columns\s+(?:in|from))\s+(?:table\s+)?({_TABLE})\s*;?\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class ShowSchemas:
    """List the repositories."""


@dataclass(frozen=True)
class ShowTables:
    """List the tables, of one repository where it is named."""

    repository: str | None


@dataclass(frozen=True)
class Describe:
    """List a table's columns with their meaning."""

    table: str


def read_command(sql: str) -> ShowSchemas | ShowTables | Describe | None:
    """Return the command that `sql` is, None where it is a query."""
    if _SHOW_SCHEMAS.match(sql):
        return ShowSchemas()
    if found := _SHOW_TABLES.match(sql):
        return ShowTables(_unquoted(found.group(1)) if found.group(1) else None)
    if found := _DESCRIBE.match(sql):
        return Describe(found.group(1))
    return None


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
