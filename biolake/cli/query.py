"""`biolake query`: SQL over the lake and the index."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biolake.cli.deployment import platform, sql_engine
from biolake.cli.output import err, print_table, say, writing
from biolake.sql.result import QueryResult


class Form(StrEnum):
    """How a result is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    H5AD = "h5ad"


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, SHOW or DESCRIBE statement; - reads it from standard input.")],
    form: Annotated[
        Form | None,
        typer.Option("--format", "-f", help="How the result is written; by the name of --output, or table."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write to; needed for binary forms.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Most rows of the result.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Answer one SQL statement about `<repository>.datasets`, `.samples`, `.features`, `.matrix` and `search('…')`."""
    chosen = _form(Form.JSON if as_json else form, output)
    statement = sys.stdin.read() if sql == "-" else sql
    with platform() as here, sql_engine(here) as engine:
        result = engine.query(statement, max_rows=max_rows or (1000 if chosen == Form.TABLE else None))
    if output is None:
        write_result(result, chosen, None)
    else:
        with writing(output):
            write_result(result, chosen, output)
    cut = ", cut: use --max-rows or --output" if result.truncated else ""
    say(err, f"{result.rows} rows in {result.seconds:.2f} s{cut}", style="dim")


def _form(given: Form | None, output: Path | None) -> Form:
    if output is None:
        if given is not None and given in {Form.PARQUET, Form.H5AD}:
            raise typer.BadParameter(f"--format {given.value} needs --output FILE.")
        return given or Form.TABLE
    suffixes = {f".{form.value}": form for form in Form if form != Form.TABLE}
    chosen = given or suffixes.get(output.suffix.lower())
    if chosen is None or chosen == Form.TABLE:
        raise typer.BadParameter(f"--output {output}: end its name with {', '.join(suffixes)}, or say so by --format.")
    # Before a long statement is answered for nothing.
    if output.is_dir() or not output.parent.is_dir():
        raise typer.BadParameter(f"--output {output}: not a file in a folder that exists.")
    return chosen


def write_result(result: QueryResult, form: Form, output: Path | None) -> None:
    """Write a result to a file or to standard output."""
    if form == Form.PARQUET and output is not None:
        result.to_parquet(output)
    elif form == Form.H5AD and output is not None:
        result.to_anndata().write_h5ad(output)
    elif form == Form.TABLE:
        records = result.to_records()
        print_table("", [column.name for column in result.columns], [list(record.values()) for record in records])
    else:
        text = result.to_csv() if form == Form.CSV else result.to_json()
        if output is None:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")
        else:
            output.write_text(text)
