"""How commands answer: tables for people, JSON for programs, errors with a remedy and an exit code."""

import json
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from biolake.errors import BiolakeError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

# Characters that turn the direction of what follows them.
_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

out = Console()
err = Console(stderr=True)


class OutputNotWritten(BiolakeError):
    """The file that a command was to write cannot be written."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a failure to write `path` as one.

    Raises:
        OutputNotWritten: The system refused.
    """
    try:
        yield
    except OSError as error:
        raise OutputNotWritten(
            f"{path}: cannot be written ({error.strerror or error}). Name a file in a folder that you may write to."
        ) from error


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(_json(value, indent=1) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows for people; nothing is cut where the output is not a terminal."""
    table = Table(title=clean(title) or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(clean(column), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = out if out.is_terminal else Console(width=200)
    console.print(table)


def say(console: Console, text: str, *, style: str | None = None) -> None:
    """Print a line that holds names, messages or other data: nothing in it is markup or drives the terminal."""
    lines = "\n".join(clean(line).plain for line in text.split("\n"))
    console.print(Text(lines, style=style or ""), soft_wrap=True)


def clean(value: object) -> Text:
    """Return a value as one line of text to show: control characters are replaced, newlines are blanks."""
    return Text("".join(map(_shown, str(value).replace("\r\n", "\n"))))


def fail(error: BiolakeError, as_json: bool) -> None:
    """Say on standard error what is wrong."""
    if as_json:
        sys.stderr.write(_json({"error": {"code": error.code, "message": str(error)}}) + "\n")
    else:
        err.print(f"[bold red]{error.code}[/] ", end="")
        say(err, str(error))


def _cell(value: object) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, datetime):
        return Text(value.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, list | tuple):
        return clean(", ".join(map(str, value)))
    return clean(value)


def _shown(character: str) -> str:
    if character in "\n\r\t\u2028\u2029":
        return " "
    unsafe = unicodedata.category(character) in {"Cc", "Cs"} or unicodedata.bidirectional(character) in _TURNS
    return "\N{REPLACEMENT CHARACTER}" if unsafe else character


def _json(value: Any, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    # A file's name may hold bytes that are no text; JSON can say them only as escapes.
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
