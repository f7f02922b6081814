"""AWS's command line, for commands that the documentation tells operators; in an environment of its own."""

import subprocess
from pathlib import Path

from tests.engines.servers.cache import built

VERSION = "1.45.11"


def build() -> Path:
    """Return the folder with the program `aws`."""

    def install(place: Path) -> None:
        subprocess.run(["uv", "venv", "--quiet", "--relocatable", place / "environment"], check=True)
        python = place / "environment" / "bin" / "python"
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, f"awscli=={VERSION}"], check=True)

    return built(f"awscli-{VERSION}", install) / "environment" / "bin"
