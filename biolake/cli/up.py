"""`biolake up`: the UI, the daemon with its sensors and schedules, and the code server, as one process to stop."""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
import yaml

from biolake.cli.dagster import quieten
from biolake.cli.deployment import platform
from biolake.cli.output import err, say
from biolake.cli.processes import Child, Supervisor
from biolake.doctor.deployment import examinations
from biolake.doctor.examine import examine
from biolake.doctor.models import Verdict
from biolake.environment.profiles import PRODUCTION
from biolake.errors import BiolakeError
from biolake.platform import Platform

_READY_SECONDS = 180.0


# A document that is refused, a runtime that is not built: the others go on.
_HARM_NOTHING_ELSE = ("documents", "runtimes")


class EnginesNotReady(BiolakeError):
    """The production profile starts on engines that work; a line for each that does not, and what to do."""


class PortTaken(BiolakeError):
    """Another program listens on the port."""


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the UI.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Address of the UI; it has no login, so think before opening it.")
    ] = "127.0.0.1",
) -> None:
    """Start the deployment: UI, daemon, sensors on. Ctrl-C stops all of it."""
    if not _free(host, port):
        raise PortTaken(f"{host}:{port} is taken. Stop what listens there or choose another with --port.")
    quieten()
    from platform_assets.drive import deployment_instance
    from platform_assets.home import made_instance_folder

    with platform() as here:
        home = here.settings.home
        folder = made_instance_folder(here.settings)
        if here.settings.profile == PRODUCTION:
            _see_that_all_work(here)
        _ = here.bucket, here.ledger
        with deployment_instance(here.settings):
            # Its tables are made before three processes would make them at once.
            pass
    address = f"http://{host}:{port}"
    supervisor = Supervisor(_children(home, folder, host, port, address))
    supervisor.run(lambda: _wait_until_ready(supervisor, address, home))


def _see_that_all_work(here: Platform) -> None:
    """Ask every engine, as the doctor does.

    Raises:
        EnginesNotReady: With a line for each problem.
    """
    wrong = [
        f"{finding.engine}: {finding.check}: {finding.found}. {finding.remedy}"
        for finding in examine(examinations(here))
        if finding.verdict == Verdict.PROBLEM and finding.engine not in _HARM_NOTHING_ELSE
    ]
    if wrong:
        raise EnginesNotReady("nothing was started.\n" + "\n".join(wrong))


def _children(home: Path, folder: Path, host: str, port: int, address: str) -> list[Child]:
    code_port = _free_port()
    workspace = folder / "workspace.yaml"
    server = {"host": "127.0.0.1", "port": code_port, "location_name": "biolake"}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "BIOLAKE_HOME": str(home),
        "BIOLAKE_UI_URL": address,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONWARNINGS": "ignore",
    }
    python = [sys.executable, "-m"]
    commands = {
        "code-server": [
            *python, "dagster", "code-server", "start", "-m", "platform_assets.definitions", "--host", "127.0.0.1",
            "--port", str(code_port), "--location-name", "biolake", "--use-python-environment-entry-point",
        ],
        "daemon": [*python, "dagster._daemon", "run", "-w", str(workspace)],
        "ui": [
            *python, "dagster_webserver", "-w", str(workspace), "--host", host, "--port", str(port),
            "--log-level", "warning",
        ],
    }  # fmt: skip
    return [
        Child(name, command, environment, home / "logs" / f"{name}.log", works_through_child=name == "code-server")
        for name, command in commands.items()
    ]


def _wait_until_ready(supervisor: Supervisor, address: str, home: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not supervisor.stopping and time.monotonic() < deadline:
        supervisor.check()
        if _answers(address):
            say(err, f"Biolake is up: {address}  (state in {home}, logs in {home / 'logs'}; Ctrl-C stops)")
            return
        time.sleep(0.3)
    if not supervisor.stopping:
        say(err, f"The UI does not answer at {address} yet; see {home / 'logs'}.")


def _answers(address: str) -> bool:
    query = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
    try:
        answer = httpx.post(f"{address}/graphql", json={"query": query}, timeout=10).json()
    except (httpx.HTTPError, ValueError):
        return False
    entries = answer.get("data", {}).get("workspaceOrError", {}).get("locationEntries", [])
    return any(entry.get("loadStatus") == "LOADED" for entry in entries)


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
