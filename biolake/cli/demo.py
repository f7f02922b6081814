"""`biolake demo`: the whole journey of a few datasets, on this machine, in a minute."""

import tempfile
from importlib.resources import files
from pathlib import Path

import typer
from rich.markup import escape

from biolake.cli.demo_study import run_demo_study
from biolake.cli.deployment import platform, sql_engine
from biolake.cli.ingest import run_until_done
from biolake.cli.jobs import show_jobs
from biolake.cli.output import out, print_table
from biolake.cli.search import show_page
from biolake.demo.files import real_single_cell_file, write_expression_files
from biolake.lake.read import provenance_of
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import JobState
from biolake.objects.upload import upload
from biolake.platform import Platform
from biolake.repositories.catalog import add_repository
from biolake.search.models import SearchRequest

_STATEMENT = """\
SELECT d.dataset_id, s.sample_id, s.characteristics['treatment'] AS treatment, f.feature_id, m.value
FROM search('melanoma nutlin') AS hit
JOIN expression.datasets AS d ON d.dataset_id = hit.dataset_id
JOIN expression.samples AS s ON s.dataset_id = d.dataset_id
JOIN expression.features AS f ON f.dataset_id = d.dataset_id
JOIN expression.matrix_long AS m
  ON m.dataset_id = d.dataset_id AND m.sample_id = s.sample_id AND m.feature_id = f.feature_id
WHERE f.feature_id = 'MDM2' AND CONTAINS(d.curated_disease, 'Melanoma')
ORDER BY s.position"""


def demo() -> None:
    """Land datasets of six formats, one broken on purpose, and a small study; show what becomes of them."""
    with platform() as here:
        _land(here)
        for name in ("expression", "single_cell"):
            run_until_done(here, name, quiet=False)
        failed = _show(here)
        failed |= run_demo_study(here)
        out.print(
            "\n[bold]Look further[/]: start the UI with "
            f"`uv run biolake --home {escape(str(here.settings.home))} up`, then open "
            "http://127.0.0.1:3000/asset-groups",
            highlight=False,
            soft_wrap=True,
        )
    if failed:
        raise typer.Exit(1)


def _land(here: Platform) -> None:
    documents = files("biolake.demo") / "repositories"
    for name in ("expression", "single_cell"):
        add_repository(Path(str(documents / f"{name}.yaml")), here.settings.home / "repositories", replace=True)
    with tempfile.TemporaryDirectory() as folder:
        made_up = write_expression_files(Path(folder))
        for path in made_up:
            upload(path, here.bucket, "expression")
    upload(real_single_cell_file(), here.bucket, "single_cell")
    out.print(
        f"[bold]1. Landed[/] {len(made_up)} made-up files and one real one in {escape(here.bucket.url)}\n",
        highlight=False,
    )


def _show(here: Platform) -> bool:
    """Print the journey's results; True when something failed that should not have."""
    out.print("[bold]2. Jobs[/]: what became of each dataset; RNA3 is broken on purpose")
    with here.ledger.reading() as connection:
        newest = {(job.repository, job.dataset_id): job for job in find_jobs(connection)}
    show_jobs(list(newest.values()), as_json=False)
    out.print("\n[bold]3. SQL[/]: search, dataset, sample and feature level in one statement")
    out.print(_STATEMENT, highlight=False, markup=False, soft_wrap=True)
    with sql_engine(here) as engine:
        answer = engine.query(_STATEMENT)
    names = [column.name for column in answer.columns]
    print_table("", names, [list(record.values()) for record in answer.to_records()])
    out.print("\n[bold]4. Search[/]: melanoma | monocytes")
    page = here.index.search(SearchRequest(text="melanoma | monocyte*", facets=("organism", "format")))
    show_page(page)
    out.print("\n[bold]5. Provenance[/] of RNA1: where its numbers came from")
    records = provenance_of(here.lake, "expression", "RNA1")
    print_table("", ("", ""), list(records[-1].items()))
    broken = {job.dataset_id for job in newest.values() if job.state == JobState.ERRORED}
    return broken != {"RNA3"} or answer.rows == 0 or page.total == 0
