"""`biolake repository`: the documents that describe repositories."""

from pathlib import Path
from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.output import AsJson, err, print_json, print_table, say
from biolake.documents.errors import DocumentInvalid
from biolake.documents.load import load_document
from biolake.repositories.catalog import add_repository
from biolake.repositories.models import Repository

app = typer.Typer(no_args_is_help=True, help="Add, list and validate repositories.")

Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The repository's YAML document.")]


@app.command("add")
def add(
    document: Document,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the document of that name.")] = False,
    move: Annotated[
        bool, typer.Option("--move", help="With --replace: another landing folder is meant; datasets not in it go.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a repository; a running deployment shows its assets within seconds."""
    with platform() as here:
        added = add_repository(document, here.settings.home / "repositories", replace=replace, allow_move=move)
        if here.bucket.folder is not None:
            (here.bucket.folder / added.folder).mkdir(parents=True, exist_ok=True)
        if as_json:
            print_json(added.model_dump())
        else:
            say(err, f"{added.name}: added. Upload to {here.bucket.uri(added.folder)}")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the repositories, and the documents that are refused with their mistakes."""
    with platform() as here:
        catalog = here.repositories
        if as_json:
            print_json(
                {
                    "repositories": [one.model_dump() for one in catalog],
                    "refused": [
                        {"document": e.source, "mistakes": [vars(m) for m in e.mistakes]} for e in catalog.refused
                    ],
                }
            )
            return
        rows = [(one.name, one.title, one.folder, one.requires, one.priority) for one in catalog]
        print_table("", ("name", "title", "folder", "requires", "priority"), rows)
        for refused in catalog.refused:
            say(err, f"refused: {refused}")


@app.command("validate")
def validate(document: Document, as_json: AsJson = False) -> None:
    """Check a document and name every mistake with its line."""
    try:
        load_document(document.read_bytes(), Repository, document.name)
    except DocumentInvalid as error:
        if as_json:
            print_json({"valid": False, "mistakes": [vars(mistake) for mistake in error.mistakes]})
            raise typer.Exit(1) from error
        raise
    if as_json:
        print_json({"valid": True, "mistakes": []})
    else:
        say(err, f"{document.name}: in order")
