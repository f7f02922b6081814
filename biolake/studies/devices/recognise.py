"""Telling a recording's format by its first bytes. A name proves nothing: `.bin` is used by four kinds of device."""

from pathlib import Path

from biolake.studies.devices.models import RecordingFormat

_HEAD_BYTES = 65_536

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip: decompress it and upload the recording itself"),
    (b"BZh", "bzip2: decompress it and upload the recording itself"),
    (b"\xfd7zXZ", "xz: decompress it and upload the recording itself"),
    (b"RIFF", "a WAVE file: upload the device's own .cwa instead"),
    (b"SQLite format 3", "an ActiGraph .agd with counts: upload the raw .gt3x instead"),
    (b"%PDF", "a PDF"),
    (b"MDTC", "a Parmay Matrix recording, which no reader here supports"),
)


def recognise(path: Path) -> tuple[RecordingFormat, str]:
    """Return the format of a file, and, where it is unknown, what the bytes look like instead.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return RecordingFormat.UNKNOWN, "an empty file"
    if head[:2] == b"MD" and head[2:4] == b"\xfc\x03":
        return RecordingFormat.CWA, ""
    if head.startswith(b"Device Identity"):
        if b"GENEActiv" in head[:400]:
            return RecordingFormat.GENEACTIV, ""
        return RecordingFormat.UNKNOWN, "a Genea or other device's file with a text header, not GENEActiv"
    if head.startswith(b"Obj\x01"):
        return RecordingFormat.EMPATICA_AVRO, ""
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return RecordingFormat.APDM_H5, ""
    if head.startswith(b"PK\x03\x04"):
        return _in_archive(head)
    if head[512:516] == b"MDTC" or head[516:520] == b"MDTC":
        return RecordingFormat.UNKNOWN, "a Parmay Matrix recording, which no reader here supports"
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return RecordingFormat.UNKNOWN, what
    if not any(head):
        return RecordingFormat.UNKNOWN, "nothing but zero bytes: an upload that reserved space and never wrote"
    return _as_text(head)


def _in_archive(head: bytes) -> tuple[RecordingFormat, str]:
    # The first member's name stands in the first local header, so a cut-off archive is recognised too.
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")].decode("utf-8", "replace")
    if name.endswith(".npy"):
        return RecordingFormat.NPZ, ""
    if name in {"log.bin", "info.txt", "activity.bin", "lux.bin", "eventlog.bin", "log.txt"}:
        return RecordingFormat.GT3X, ""
    return RecordingFormat.UNKNOWN, "a zip archive that is neither .gt3x nor .npz"


def _as_text(head: bytes) -> tuple[RecordingFormat, str]:
    first, _, rest = head.partition(b"\n")
    try:
        line = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        return RecordingFormat.UNKNOWN, "binary data of no known device"
    if b"\x00" in head or any(ord(character) < 32 and character not in "\t\r" for character in line):
        return RecordingFormat.UNKNOWN, "binary data of no known device"
    if rest and any(delimiter in line for delimiter in ",;\t"):
        return RecordingFormat.CSV, ""
    return RecordingFormat.UNKNOWN, "text that is no table"
