"""What the doctor asks of Dagster: whether storage answers and the daemon lives. Other engines: `biolake.doctor`."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from biolake.doctor.models import Examination, Finding, ok, problem, skipped, warning
from biolake.environment.profiles import PRODUCTION
from biolake.settings import Settings
from platform_assets.home import instance_folder, made_instance_folder, open_instance

_ENGINE = "dagster"
# The daemon beats every 30 s.
_SILENT_SECONDS = 180.0


def dagster(settings: Settings) -> Examination:
    """Look at the instance of `DAGSTER_HOME`, or of the state folder."""

    def look() -> Iterator[Finding]:
        production = settings.profile == PRODUCTION
        folder = instance_folder(settings)
        if not (folder / "dagster.yaml").is_file():
            yield skipped(_ENGINE, "storage", f"{folder} is made by `biolake up`")
            return
        with open_instance(made_instance_folder(settings)) as instance:
            if production:
                yield from _kind(instance, folder)
            yield from _look(instance, production)

    return Examination(_ENGINE, look, seconds=30.0)


def _kind(instance: dg.DagsterInstance, folder: Path) -> Iterator[Finding]:
    from dagster_postgres import PostgresRunStorage

    if not isinstance(instance.run_storage, PostgresRunStorage):
        yield warning(
            _ENGINE,
            "kind of storage",
            f"{folder / 'dagster.yaml'} keeps runs and their logs outside of PostgreSQL",
            "Copy dagster-production.yaml over it and set DAGSTER_POSTGRES_URL: processes on other machines and pods "
            "would not see the runs, nor be seen.",
        )


def _look(instance: dg.DagsterInstance, needed: bool) -> Iterator[Finding]:
    try:
        runs = instance.get_runs_count()
        instance.get_asset_keys(limit=1)
        beats = instance.get_daemon_heartbeats()
    except Exception as error:
        # Each storage raises its own; any of them means that it does not answer.
        reason = str(error).strip().partition("\n")[0]
        yield problem(
            _ENGINE, "storage", f"{type(error).__name__}: {reason}", "Start its database, or correct dagster.yaml."
        )
        return
    yield ok(_ENGINE, "storage", f"answers; {runs} runs")
    now = time.time()
    wanted = instance.get_required_daemon_types()
    silent = [one for one in wanted if one not in beats or now - beats[one].timestamp > _SILENT_SECONDS]
    judge = problem if needed else warning
    if silent:
        yield judge(
            _ENGINE,
            "daemon",
            f"silent for more than {_SILENT_SECONDS:.0f} s: {', '.join(sorted(silent)).lower()}",
            "Start the daemon (`biolake up`, or the daemon's own deployment): without it nothing that arrives is seen.",
        )
    else:
        yield ok(_ENGINE, "daemon", "beats")
    errors = {one: beats[one].errors for one in wanted if one in beats and beats[one].errors}
    for name, found in errors.items():
        said = str(found[0].message).strip().partition("\n")[0] if found else ""
        yield warning(_ENGINE, "daemon errors", f"{name.lower()}: {said}", "See the daemon's log.")
