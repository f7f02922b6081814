"""Where Dagster keeps its own state: a folder with `dagster.yaml`, which the profile chooses."""

import fcntl
import os
import shutil
from pathlib import Path

import dagster as dg

from biolake.environment.profiles import PRODUCTION
from biolake.errors import BiolakeError
from biolake.settings import Settings

_DATABASE = "DAGSTER_POSTGRES_URL"


class DagsterStorageNotSet(BiolakeError):
    """`dagster.yaml` takes the address of Dagster's database from a variable that is not set."""


class DagsterStorageUnavailable(BiolakeError):
    """The database of Dagster's runs does not answer, or refuses."""


def instance_folder(settings: Settings) -> Path:
    """Say which folder is this deployment's `DAGSTER_HOME`; nothing is made.

    In production it is the one that the environment names, where it names one. Locally it is always in the state
    folder: the variable may be that of another Dagster project of this user.
    """
    named = os.environ.get("DAGSTER_HOME") if settings.profile == PRODUCTION else None
    return Path(named).expanduser().resolve() if named else settings.home / "dagster"


def made_instance_folder(settings: Settings) -> Path:
    """Return the deployment's `DAGSTER_HOME`, made with the profile's `dagster.yaml` where it is missing.

    Raises:
        DagsterStorageNotSet: Dagster's database is not named.
    """
    production = settings.profile == PRODUCTION
    folder = _made(instance_folder(settings), "dagster-production.yaml" if production else "dagster.yaml")
    configuration = folder / "dagster.yaml"
    if _DATABASE in configuration.read_text(encoding="utf-8") and not os.environ.get(_DATABASE):
        raise DagsterStorageNotSet(
            f"{_DATABASE} is not set, and {configuration} takes the address of Dagster's database from it. Set it to "
            "postgresql://user:password@host/database: a database of its own, not the ledger's."
        )
    return folder


def dagster_home(home: Path) -> Path:
    """Return the `DAGSTER_HOME` of a local state folder, made with the project's `dagster.yaml` where it is missing."""
    return _made(home / "dagster", "dagster.yaml")


def ready_instance(home: Path, folder: Path) -> dg.DagsterInstance:
    """Open the instance of a `DAGSTER_HOME` and see that its storage answers, with its tables made.

    Args:
        home: State folder, in which processes of one machine wait for each other.
        folder: The `DAGSTER_HOME`.

    Raises:
        DagsterStorageUnavailable: The storage does not answer.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "dagster.lock").open("w") as lock:
        # Dagster makes its tables without a lock: two processes that open a new deployment at once would both do so.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            opened = open_instance(folder)
            opened.get_runs_count()
        except Exception as error:
            # Each storage raises its own; any of them means that it does not answer.
            raise DagsterStorageUnavailable(
                f"{folder / 'dagster.yaml'}: the storage that it names cannot be used ({_reason(error)}). Start its "
                f"database, or correct the file, or {_DATABASE} where the file takes the address from it."
            ) from None
    return opened


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Open the instance of a `DAGSTER_HOME`, which is this process's from now on, as `dagster.yaml` refers to it."""
    os.environ["DAGSTER_HOME"] = str(folder.resolve())
    return dg.DagsterInstance.from_config(str(folder))


def project_file(name: str) -> Path:
    """A file of the project's top level: beside this package in a checkout, within it in a wheel."""
    beside = Path(__file__).resolve().parent.parent / name
    return beside if beside.exists() else Path(__file__).resolve().parent / name


def _made(folder: Path, configuration: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(project_file(configuration), target)
    return folder


def _reason(error: BaseException) -> str:
    """The first line of what went wrong, of its cause where Dagster wraps one."""
    text = str(error.__cause__ or error).strip()
    return text.partition("\n")[0]
