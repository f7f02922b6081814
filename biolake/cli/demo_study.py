"""The demonstration's last step: a made-up study of three recordings, one of which waits on purpose."""

from biolake.cli.dagster import quieten
from biolake.cli.output import out, print_table, say
from biolake.demo.study import STUDY, WAITS, write_study
from biolake.platform import Platform
from biolake.studies.catalog.status import status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.folder import add_study
from biolake.studies.notifications.messages import notifications
from biolake.studies.results.read import results_table
from biolake.studies.runtimes import RuntimeNotBuilt, ensure_runtime
from biolake.studies.states import State


def run_demo_study(here: Platform) -> bool:
    """Process the study and print what became of it; True when something failed that should not have.

    Where the locked runtime cannot be built, as without a network, that is said, and nothing has failed.
    """
    out.print("\n[bold]6. A study[/]: three made-up recordings; one waits for its participant's height, on purpose")
    document = write_study(here.settings.home / "demo-study")
    study = add_study(document, here.settings.home / "studies", here.runtimes, replace=True)
    if not _runtime_is_built(here, study):
        return False
    _process(here)
    files = status(study, here.study_engine)
    print_table("", ("file", "state", "why"), files.select("key", "state", "reason").rows())
    for told in notifications(here.study_engine, STUDY, 1):
        say(out, f"told: {told.text}")
    _show_results(here, study)
    say(out, f"report: {document.parent}/results/{STUDY}/report/index.html")
    states = dict(zip(files["key"], files["state"], strict=True))
    waiting = {key for key, state in states.items() if state == State.WAITING}
    processed = {key for key, state in states.items() if state == State.PROCESSED}
    return waiting != {WAITS} or len(processed) != 2


def _runtime_is_built(here: Platform, study: StudyConfiguration) -> bool:
    name = study.document.pipelines["gait"].runtime
    out.print(
        f"Recordings are computed in the locked runtime {name}, which is built once: that downloads about 150 MB.",
        highlight=False,
        soft_wrap=True,
    )
    try:
        ensure_runtime(name, here.runtimes, here.settings.runtime_cache)
    except RuntimeNotBuilt as error:
        say(out, f"Left out, because it cannot be built here: {error}")
        out.print(f"Later: biolake study process {STUDY} --wait", markup=False)
        return False
    return True


def _process(here: Platform) -> None:
    quieten()
    from platform_assets.drive import deployment_instance, drive_study

    with deployment_instance(here.settings) as instance:
        drive_study(here, instance, STUDY)


def _show_results(here: Platform, study: StudyConfiguration) -> None:
    gait = ["date", "gait_bouts", "gait_steps", "gait_speed_m_per_s", "gait_cadence_steps_per_min"]
    days = results_table(study, "day", here.lake, pipeline="gait")
    print_table("gait", ["subject", *gait], _rounded(days.select("subject", *gait).rows()))
    active = next(
        name for name in results_table(study, "day", here.lake, pipeline="activity").columns if "mvpa" in name
    )
    columns = ["subject", "date", "hours", "wear_hours", active]
    days = results_table(study, "day", here.lake, pipeline="activity")
    print_table("activity", columns, _rounded(days.select(columns).rows()))


def _rounded(rows: list[tuple[object, ...]]) -> list[list[object]]:
    return [[round(value, 2) if isinstance(value, float) else value for value in row] for row in rows]
