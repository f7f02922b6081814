"""Which formats the platform reads and how a file's format is told: by its content, never by its name alone.

Reading is in the modules named after the formats; what every dataset must hold is in `biolake.formats.read`. To add a
format see docs/adding-a-format.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from biolake.formats.errors import WrongFormat
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.text import UTF8_BYTE_ORDER_MARK, is_gzip, read_head

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"

MODULES: tuple[str, ...] = (
    "biolake.formats.h5ad",
    "biolake.formats.gctx",
    "biolake.formats.tenx",
    "biolake.formats.biom",
    "biolake.formats.vcf",
    "biolake.formats.mwtab",
    "biolake.formats.gct",
    "biolake.formats.geo_series_matrix",
    "biolake.formats.geo_soft",
    "biolake.formats.csv_matrix",
)
"""The modules of the formats in the order of detection: a plain table comes last, as most texts look like one."""

_UNREAD_CONTENTS: tuple[tuple[bytes, str], ...] = (
    (b"BZh", "compressed by bzip2; only gzip is read. Compress it with gzip and upload again"),
    (b"\xfd7zXZ\x00", "compressed by xz; only gzip is read. Compress it with gzip and upload again"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; only gzip is read. Compress it with gzip and upload again"),
    (ZIP_SIGNATURE, "a zip archive that holds no format the platform reads. Upload its files one by one"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document. Save the matrix as CSV (UTF-8) and upload that"),
    (b"%PDF", "a PDF document. Upload the data that it shows"),
    (HDF5_SIGNATURE, "an HDF5 file that is no format the platform reads"),
    (b"{", "a JSON document that is no format the platform reads"),
    (b"<", "an HTML or XML document. Check the address that it was downloaded from"),
)


@dataclass(frozen=True)
class Format:
    """A file format: how its content is told and which function reads it.

    Attributes:
        name: Short name, stored with each dataset (`Dataset.format`).
        title: Name for people.
        matches: Tells from the path (a file, or the folder of a format that is a folder) and the content's first
            `text.HEAD_BYTES`, decompressed where it is gzip and without a byte order mark (empty for a folder),
            whether the content is of this format. It may look into the file at `path`, but must neither raise for
            foreign content nor trust the name.
        read: Reads an upload of this format.
        isolated: Whether `read` runs in its own process with limits, as its parser can crash or hang.
        extensions: Endings of names (`.h5ad`, without `.gz`) that promise this format and no other.
    """

    name: str
    title: str
    matches: Callable[[Path, bytes], bool]
    read: Callable[[Upload, Limits], Dataset]
    isolated: bool
    extensions: tuple[str, ...] = ()


@cache
def formats() -> tuple[Format, ...]:
    """Return the formats in the order of detection; a format's heavy libraries are imported only when it reads."""
    return tuple(import_module(module).FORMAT for module in MODULES)


def format_named(name: str) -> Format:
    """Return the format called `name`.

    Raises:
        WrongFormat: No format has this name.
    """
    for format in formats():
        if format.name == name:
            return format
    known = ", ".join(format.name for format in formats())
    raise WrongFormat(f"{name} is no format the platform reads. Formats: {known}.")


def detect(upload: Upload) -> Format:
    """Tell the format of an upload's data from its content.

    Raises:
        EmptyFile: There is no content.
        Truncated: The content ends within its first bytes.
        WrongFormat: The content is no format that is read, or another one than the file's name promises.
    """
    head = b"" if upload.data.is_dir() else read_head(upload.data, upload.name).removeprefix(UTF8_BYTE_ORDER_MARK)
    if head.startswith((HDF5_SIGNATURE, ZIP_SIGNATURE)) and is_gzip(upload.data):
        raise WrongFormat(
            f"{upload.name}: an HDF5 or zip file inside gzip is not read. Decompress it with gunzip and upload again."
        )
    promised = _promised(upload.name)
    # A damaged HDF5 file matches every format in HDF5: it is read as what its name promises, to say what is wrong.
    candidates = (*promised, *formats()) if head.startswith(HDF5_SIGNATURE) else formats()
    for format in candidates:
        if format.matches(upload.data, head):
            if promised and format not in promised:
                titles = " or ".join(f.title for f in promised)
                raise WrongFormat(
                    f"{upload.name}: the name promises {titles}, the content is {format.title}. "
                    "Upload the right file, or give this one the right name."
                )
            return format
    for signature, description in _UNREAD_CONTENTS:
        if head.startswith(signature):
            raise WrongFormat(f"{upload.name}: {description}.")
    if promised:
        titles = " or ".join(f.title for f in promised)
        raise WrongFormat(f"{upload.name}: the name promises {titles}, the content is not. Upload the right file.")
    titles = ", ".join(format.title for format in formats())
    raise WrongFormat(f"{upload.name}: the content is no format the platform reads. Formats: {titles}.")


def _promised(name: str) -> tuple[Format, ...]:
    ending = name.lower().removesuffix(".gz").removesuffix(".bgz")
    return tuple(format for format in formats() if format.extensions and ending.endswith(format.extensions))
