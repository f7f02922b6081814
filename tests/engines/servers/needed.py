"""What this machine lacks to run the tests on real servers, all at once: `python -m tests.engines.servers.needed`."""

import importlib
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def missing() -> list[str]:
    """What each server's `tools` says that is missing."""
    modules = sorted(path.relative_to(_HERE).with_suffix("").parts for path in _HERE.rglob("*.py"))
    servers = [importlib.import_module(".".join(("tests.engines.servers", *parts))) for parts in modules]
    said = [server.tools() for server in servers if hasattr(server, "tools")]
    return [one for one in said if one is not None]


if __name__ == "__main__":
    found = missing()
    for one in found:
        print(f"missing: {one}")
    sys.exit(1 if found else 0)
