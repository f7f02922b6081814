"""Where built servers are kept: outside the tree, built once, put in place whole."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def built(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of the engine `name`, calling `build` with an empty folder where it is not there yet.

    The folder is `$XDG_CACHE_HOME/biolake/engines/<name>`, or below `~/.cache`. Two processes build it once; a build
    that ends early leaves nothing that counts.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biolake" / "engines"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache))
            try:
                build(unfinished)
                unfinished.chmod(0o755)
                unfinished.rename(place)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return place
