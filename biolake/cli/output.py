"""How commands answer: tables for people, JSON for programs, errors with a remedy and an exit code."""

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from biolake.errors import BiolakeError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

out = Console()
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows for people; nothing is cut where the output is not a terminal."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = out if out.is_terminal else Console(width=200)
    console.print(table)


def fail(error: BiolakeError, as_json: bool) -> None:
    """Say on standard error what is wrong."""
    if as_json:
        sys.stderr.write(json.dumps({"error": {"code": error.code, "message": str(error)}}, ensure_ascii=False) + "\n")
    else:
        err.print(f"[bold red]{error.code}[/] ", end="")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).replace("[", "\\[")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
