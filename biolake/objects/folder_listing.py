"""Walk a local folder file by file, where one name that no key can have ends obstore's listing."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

# Local uploads that are not complete have such names; no listing tells them.
_STAGED = re.compile(r"#\d+$")


def every_file(folder: Path, leave_out: Callable[[Path, str], None], above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield every file below `folder`, in the order of names.

    Args:
        folder: Where to look.
        leave_out: Told of each entry that is no file to read, and why.
        above: The folders that led here, links resolved.

    Raises:
        OSError: An entry cannot be read: left out, it would look like a deleted one.
    """
    above = (*above, os.path.realpath(folder))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = Path(entry.path)
        try:
            if entry.is_dir():
                if os.path.realpath(path) in above:
                    leave_out(path, "it is a link to a folder above it")
                else:
                    yield from every_file(path, leave_out, above)
            elif entry.is_file() and _STAGED.search(entry.name) is None:
                yield path
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            leave_out(path, "it is a link to itself")
