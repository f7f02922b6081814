"""Writing made-up recordings as Empatica's EmbracePlus does: an Avro document for every half hour."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.studies.generate.motion import Person

_SYNC = bytes(range(16))
_DIGITAL, _PHYSICAL = 32_767, 16.0


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


_LONGS: dict[str, Any] = {"type": "array", "items": "long"}
_INTS: dict[str, Any] = {"type": "array", "items": "int"}
_FLOATS: dict[str, Any] = {"type": "array", "items": "float"}
_PARAMETERS = _record("Imu", physicalMin="int", physicalMax="int", digitalMin="int", digitalMax="int")
_MOTION = {"timestampStart": "long", "samplingFrequency": "float"}
_VALUES = {"timestampStart": "long", "samplingFrequency": "float", "values": _FLOATS}

SCHEMA = _record(
    "Session",
    timezone="int",
    enrollment=_record("Enrollment", participantID="string", siteID="string", studyID="string"),
    deviceSn="string",
    rawData=_record(
        "RawData",
        accelerometer=_record("Accelerometer", **_MOTION, imuParams=_PARAMETERS, x=_INTS, y=_INTS, z=_INTS),
        gyroscope=_record("Gyroscope", **_MOTION, imuParams="Imu", x=_INTS, y=_INTS, z=_INTS),
        eda=_record("Eda", **_VALUES),
        temperature=_record("Temperature", **_VALUES),
        bvp=_record("Bvp", **_VALUES),
        systolicPeaks=_record("Peaks", peaksTimeNanos=_LONGS),
        steps=_record("Steps", timestampStart="long", samplingFrequency="float", values=_INTS),
    ),
)


def write_empatica(
    folder: Path, person: Person, hertz: float = 64.0, *, minutes: float = 30.0, subject: str = "0001", offset: int = 0
) -> list[Path]:
    """Write a person's recording, one file per `minutes`, and return the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    length = round(minutes * 60 * hertz)
    first = round((person.start - datetime(1970, 1, 1)).total_seconds()) * 1_000_000
    paths = []
    for number, chunk in enumerate(person.chunks(hertz, length, 1)):
        start = first + round(number * length / hertz * 1e6)
        paths.append(folder / f"1-1-{subject}_{start // 1_000_000}.avro")
        paths[-1].write_bytes(document(chunk, start, hertz, subject, offset))
    return paths


def document(acceleration: NDArray[np.float32], start: int, hertz: float, subject: str, offset: int) -> bytes:
    raw = np.clip(np.round(acceleration / _PHYSICAL * _DIGITAL), -_DIGITAL, _DIGITAL).astype(np.int64)
    still = (_long(start), _float(0.0))
    body = b"".join(
        (
            _long(offset),
            *(_text(word) for word in (subject, "1", "7", "3YK3L1")),
            *(_long(start), _float(hertz), _long(-16), _long(16), _long(-_DIGITAL), _long(_DIGITAL)),
            *(_array(_longs(raw[:, axis]), len(raw)) for axis in range(3)),
            *(*still, _long(0), _long(0), _long(0), _long(0), _array(b"", 0), _array(b"", 0), _array(b"", 0)),
            *(_long(start), _float(4.0), _array(np.full(40, 0.4, "<f4").tobytes(), 40)),
            *(*still, _array(b"", 0)),
            *(*still, _array(b"", 0)),
            _array(b"", 0),
            *(*still, _array(b"", 0)),
        )
    )
    head = (
        b"Obj\x01" + _long(2) + _text("avro.schema") + _text(json.dumps(SCHEMA)) + _text("avro.codec") + _text("null")
    )
    return head + _long(0) + _SYNC + _long(1) + _long(len(body)) + body + _SYNC


def _array(items: bytes, count: int) -> bytes:
    return _long(count) + items + _long(0) if count else _long(0)


def _text(text: str) -> bytes:
    return _long(len(text.encode())) + text.encode()


def _float(value: float) -> bytes:
    return np.array([value], "<f4").tobytes()


def _long(value: int) -> bytes:
    return _longs(np.array([value], dtype=np.int64))


def _longs(values: NDArray[np.int64]) -> bytes:
    zigzag = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    places = np.arange(10, dtype=np.uint64) * np.uint64(7)
    groups = (zigzag[:, None] >> places) & np.uint64(0x7F)
    last = np.maximum(10 - np.argmax(groups[:, ::-1] != 0, axis=1) - 1, 0)
    last[zigzag == 0] = 0
    position = np.arange(10)
    used = position <= last[:, None]
    coded = groups.astype(np.uint8) | np.where(position < last[:, None], 0x80, 0).astype(np.uint8)
    return coded[used].tobytes()
