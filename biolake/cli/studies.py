"""`biolake study`: set up, follow and use a study of wearable recordings."""

import tempfile
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biolake.cli.dagster import quieten
from biolake.cli.deployment import platform
from biolake.cli.output import AsJson, err, out, print_json, print_table, say, writing
from biolake.platform import Platform
from biolake.studies.catalog.check import check_arrivals
from biolake.studies.catalog.status import counts
from biolake.studies.catalog.status import status as list_files
from biolake.studies.catalog.study_record import study_state
from biolake.studies.catalog.update import catalog as run_catalog
from biolake.studies.catalog.update import open_stores, sources_of
from biolake.studies.configuration.load import validate as find_mistakes
from biolake.studies.folder import add_study, lock_study
from biolake.studies.models import CatalogSummary
from biolake.studies.recordings.progress import rerun
from biolake.studies.states import State

app = typer.Typer(no_args_is_help=True, help="Set up, follow and use studies of wearable recordings.")

Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The study's YAML document.")]
Study = Annotated[str, typer.Argument(help="Id of the study.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Run the sensor and its runs here until nothing is ready; no daemon needed.")
]


class RerunState(StrEnum):
    """Which recordings are processed again."""

    STALE = "stale"
    FAILED = "failed"
    PROCESSED = "processed"


@app.command("validate")
def validate(document: Document, as_json: AsJson = False) -> None:
    """Check a study's document and its pipelines, and name every mistake with line, key and remedy."""
    with platform() as here:
        mistakes = find_mistakes(document, here.runtimes)
    if as_json:
        print_json([vars(mistake) for mistake in mistakes])
    else:
        for mistake in mistakes:
            say(out, str(mistake))
        if not mistakes:
            say(err, f"{document.name}: in order")
    if any(mistake.severity == "error" for mistake in mistakes):
        raise typer.Exit(1)


@app.command("add")
def add(
    document: Document,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the study of that id.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a study; a running deployment shows its assets within seconds."""
    with platform() as here:
        study = add_study(document, here.settings.home / "studies", here.runtimes, replace=replace)
    if as_json:
        print_json({"study": study.id, "sha256": study.sha256})
    else:
        say(err, f"{study.id}: added. `biolake study process {study.id} --wait` processes it here.")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the studies, and the documents that are refused."""
    with platform() as here:
        folder = here.studies
        rows = [
            (
                study.id,
                study.document.study.title,
                study.document.study.status,
                sum(counts(study, here.study_engine).values()),
            )
            for study in folder.studies.values()
        ]
    if as_json:
        refused = {name: str(error) for name, error in folder.refused.items()}
        print_json(
            {
                "studies": [dict(zip(("study", "title", "status", "files"), row, strict=True)) for row in rows],
                "refused": refused,
            }
        )
        return
    print_table("", ("study", "title", "status", "files"), rows)
    for error in folder.refused.values():
        say(err, str(error))


@app.command("catalog")
def catalog(
    study: Study,
    accept_empty: Annotated[
        list[str] | None,
        typer.Option("--accept-empty", help="SOURCE/PREFIX whose files were removed on purpose; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the study's sources, look into what has settled, and give every file its state."""
    with platform() as here:
        one = here.studies.get(study)
        now = datetime.now(UTC)
        stores = sources_of(one, here.study_engine, now)
        run_catalog(one, stores, here.study_engine, now, accept_empty=tuple(accept_empty or ()))
        check_arrivals(one, stores, here.study_engine, datetime.now(UTC))
        summary = run_catalog(one, stores, here.study_engine, datetime.now(UTC), accept_empty=tuple(accept_empty or ()))
    if as_json:
        print_json(vars(summary))
    else:
        _show_summary(summary)


@app.command("status")
def status(
    study: Study,
    state: Annotated[list[State] | None, typer.Option(help="Only files in this state; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every file with its state, the reason, and since when."""
    with platform() as here:
        one = here.studies.get(study)
        files = list_files(one, here.study_engine)
        own = study_state(study, here.study_engine)
    wanted = {item.value for item in state or ()}
    rows = [row for row in files.iter_rows(named=True) if not wanted or row["state"] in wanted]
    if as_json:
        print_json(rows)
        return
    if own is not None and own[0] != "ok":
        say(err, f"{study}: {own[0]} since {own[2]:%Y-%m-%d %H:%M} UTC: {own[1]}")
    columns = ("key", "recording", "state", "since", "qc_code", "reason")
    print_table("", columns, [[row[column] for column in columns] for row in rows])


@app.command("process")
def process(
    study: Study,
    rerun_states: Annotated[
        list[RerunState] | None,
        typer.Option("--rerun", help="First put recordings in this state back; may be repeated."),
    ] = None,
    recording: Annotated[list[str] | None, typer.Option(help="With --rerun: only this recording.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Process what is ready; results whose inputs are unchanged are kept."""
    with platform() as here:
        one = here.studies.get(study)
        if rerun_states:
            states = [State(item.value) for item in rerun_states]
            again = rerun(one, here.study_engine, datetime.now(UTC), keys=recording, states=states)
            say(err, f"{again} files are to be processed again")
        if wait:
            _drive(here, study, quiet=as_json)
        summary = {state.value: number for state, number in counts(one, here.study_engine).items()}
    if as_json:
        print_json(summary)
    else:
        print_table(study, ("state", "files"), sorted(summary.items()))
    if wait and any(summary.get(state.value) for state in (State.FAILED, State.CRASHED)):
        raise typer.Exit(1)


@app.command("report")
def report(
    study: Study,
    recording: Annotated[str | None, typer.Option(help="The page of this recording instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the study's report, or a recording's, to the place of its results, and print its address."""
    from biolake.studies.report.publish import publish_recording_report, publish_study_report

    with platform() as here:
        one, now = here.studies.get(study), datetime.now(UTC)
        if recording is None:
            uri = publish_study_report(one, here.study_engine, here.lake, now)
        else:
            uri = publish_recording_report(one, here.study_engine, here.lake, recording, now)
    if as_json:
        print_json({"report": uri})
    else:
        say(out, uri)


@app.command("results")
def results(
    study: Study,
    table: Annotated[
        str,
        typer.Argument(
            help="day, night, bout, step, file_qc, subject_visit, exclusions, dictionary, biomarkers or runs."
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File: .parquet, .csv or .json.")] = None,
    runtime: Annotated[str | None, typer.Option(help="Only results of this runtime.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only results of this pipeline.")] = None,
    mixed: Annotated[bool, typer.Option("--mixed", help="Results of several runtimes in one table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print or write one table of a study's current results."""
    from biolake.studies.results.read import results_table

    with platform() as here:
        frame = results_table(
            here.studies.get(study), table, here.lake, runtime=runtime, pipeline=pipeline, mixed=mixed
        )
    if output is not None:
        writers = {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".json": frame.write_json}
        if output.suffix not in writers:
            raise typer.BadParameter(f"--output {output}: end its name with {', '.join(writers)}.")
        with writing(output):
            writers[output.suffix](output)
        say(err, f"{frame.height} rows in {output}")
    elif as_json:
        print_json(frame.to_dicts())
    else:
        print_table("", frame.columns, frame.rows())


@app.command("replay")
def replay(
    run_key: Annotated[str, typer.Argument(help="Run key of a result; `study results STUDY runs` lists them.")],
    study: Annotated[str, typer.Option("--study", help="Id of the study.")],
    as_json: AsJson = False,
) -> None:
    """Recompute a result from what was recorded, and say identical or show the difference."""
    from biolake.objects.store import open_store
    from biolake.studies.results.replay import replay as recompute
    from biolake.studies.runtimes import ensure_runtime

    with platform() as here, tempfile.TemporaryDirectory() as folder:
        one = here.studies.get(study)
        place = here.workplace
        found = recompute(
            run_key,
            one.id,
            here.lake,
            open_store(one.document.results.uri),
            open_stores(one),
            lambda name: ensure_runtime(name, place.runtimes, place.runtime_cache),
            Path(folder),
        )
    if as_json:
        print_json([{**vars(item), "identical": item.identical, "equivalent": item.equivalent} for item in found])
    else:
        for item in found:
            say(out, str(item))
    if not all(item.identical for item in found):
        raise typer.Exit(1)


@app.command("lock")
def lock(study: Study, as_json: AsJson = False) -> None:
    """Lock a study: it is still cataloged, nothing new is processed."""
    with platform() as here:
        lock_study(here.studies.get(study))
    if as_json:
        print_json({"study": study, "status": "locked"})
    else:
        say(err, f"{study}: locked")


def notifications(
    study: Annotated[str | None, typer.Option(help="Only of this study.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was told: missing configurations, unmet requirements, failures."""
    from biolake.studies.notifications.messages import notifications as told

    with platform() as here:
        found = told(here.study_engine, study, limit)
    if as_json:
        print_json([vars(item) for item in found])
    elif found:
        columns = list(vars(found[0]))
        print_table("", columns, [[vars(item)[column] for column in columns] for item in found])
    else:
        say(err, "nothing was told yet")


def _drive(here: Platform, study: str, *, quiet: bool) -> None:
    quieten()
    from platform_assets.drive import deployment_instance, drive_study

    def tell(key: str) -> None:
        if not quiet:
            say(err, f"{study}: {key}")

    with deployment_instance(here.settings) as instance:
        drive_study(here, instance, study, progress=tell)


def _show_summary(summary: CatalogSummary) -> None:
    print_table(f"{summary.study}: {summary.n_files} files", ("state", "files"), sorted(summary.counts.items()))
    say(
        out,
        f"{summary.new} new, {summary.changed} changed, {summary.removed} removed, {summary.ready} recordings ready",
    )
    for line in (*summary.outages, *summary.warnings):
        say(out, line)
