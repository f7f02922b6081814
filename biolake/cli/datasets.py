"""`biolake dataset`: what the lake shows, where it came from, and taking it away."""

from typing import Annotated

import typer

from biolake.arrivals.tell import tell
from biolake.cli.deployment import chosen, platform
from biolake.cli.ingest import RepositoryName, Wait, run_until_done
from biolake.cli.output import AsJson, err, out, print_json, print_table, say
from biolake.lake.read import dataset_record, list_datasets, provenance_of
from biolake.ledger.deletion import delete_dataset

app = typer.Typer(no_args_is_help=True, help="List, show, trace and delete datasets.")

DatasetId = Annotated[str, typer.Argument(help="Id of the dataset.")]


@app.command("list")
def list_all(
    repository: Annotated[str | None, typer.Option("--repository", "-r", help="Only this repository.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Only so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the datasets that the lake shows, the newest first."""
    with platform() as here:
        rows = [row for one in chosen(here, repository) for row in list_datasets(here.lake, one.name, limit)]
    if as_json:
        print_json(rows)
    else:
        columns = ("repository", "dataset_id", "title", "format", "n_samples", "n_features", "ingested_at")
        print_table("", columns, [[row[column] for column in columns] for row in rows])


@app.command("show")
def show(dataset_id: DatasetId, repository: RepositoryName, as_json: AsJson = False) -> None:
    """Show everything the lake says of a dataset."""
    with platform() as here:
        here.repositories.get(repository)
        record = dataset_record(here.lake, repository, dataset_id)
    if as_json:
        print_json(record)
    else:
        print_table(
            "", ("field", "value"), [(name, value) for name, value in record.items() if value not in (None, [])]
        )


@app.command("provenance")
def provenance(dataset_id: DatasetId, repository: RepositoryName, as_json: AsJson = False) -> None:
    """Tell every processing of a dataset: from which bytes, by which lot, run and code, to which end."""
    with platform() as here:
        here.repositories.get(repository)
        rows = provenance_of(here.lake, repository, dataset_id)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_table("", ("processing", str(row["processed_at"])[:19]), list(row.items()))
        out.print()


@app.command("delete")
def delete(
    dataset_id: DatasetId,
    repository: RepositoryName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Delete a dataset's objects from the bucket; the sensor then removes it from lake and index."""
    with platform() as here:
        one = here.repositories.get(repository)
        if not yes:
            typer.confirm(f"Delete {dataset_id} from {repository}?", abort=True)
        keys = delete_dataset(here.ledger, here.bucket, one, dataset_id)
        if here.settings.events:
            # What is deleted here need not wait for its event.
            tell(here.ledger, one, keys)
        if wait:
            run_until_done(here, repository, quiet=as_json)
    if as_json:
        print_json({"deleted": keys})
    else:
        say(err, f"{dataset_id}: {len(keys)} objects deleted")
