"""Writing made-up recordings as a GENEActiv would, pages of 300 hexadecimal samples below a text header."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.studies.generate.motion import Person

_SAMPLES = 300
_GAIN = np.array([25_344, 25_870, 25_470])
_OFFSET = np.array([1_104, 454, -1_433])
_DIGITS = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)

_HEADER = """Device Identity
Device Unique Serial Code:{serial}
Device Type:GENEActiv
Device Model:1.1
Device Firmware Version:Ver4.08a date14Jul14
Calibration Date:2019-02-04 13:49:24:000

Device Capabilities
Accelerometer Range:-8 to 8
Accelerometer Resolution:0.0039
Accelerometer Units:g
Light Meter Range:0 to 5000
Light Meter Resolution:5
Light Meter Units:lux
Temperature Sensor Range:0 to 70
Temperature Sensor Resolution:0.1
Temperature Sensor Units:deg. C

Configuration Info
Measurement Frequency:{hertz:g} Hz
Measurement Period:360 Hours
Start Time:{start}
Time Zone:GMT +00:00

Trial Info
Study Centre:001
Study Code:V01
Investigator ID:
Exercise Type:
Config Operator ID:
Config Time:{start}
Config Notes:
Extract Operator ID:
Extract Time:{start}
Extract Notes:

Subject Info
Device Location Code:{location}
Subject Code:{subject}
Date of Birth:1970-1-1
Sex:female
Height:165
Weight:60
Handedness Code:right
Subject Notes:

Calibration Data
x gain:25344
x offset:1104
y gain:25870
y offset:454
z gain:25470
z offset:-1433
Volts:300
Lux:800

Memory Status
Number of Pages:{pages}

"""


def write_geneactiv(
    path: Path,
    person: Person,
    hertz: float = 50.0,
    *,
    serial: str = "051386",
    subject: str = "0001",
    location: str = "left wrist",
) -> None:
    """Write a person's recording to `path`."""
    total = int(person.hours * 3600 * hertz) // _SAMPLES
    start = _moment(person.start)
    fields = {"serial": serial, "hertz": hertz, "start": start, "subject": subject, "location": location}
    with path.open("wb") as file:
        file.write(_crlf(_HEADER.format(**fields, pages=total)))
        page = 0
        for chunk in person.chunks(hertz, _SAMPLES, 1000):
            for digits in _hexadecimal(chunk):
                file.write(_heading(page, person.start, hertz, serial) + digits.tobytes() + b"\r\n")
                page += 1


def _heading(page: int, start: datetime, hertz: float, serial: str) -> bytes:
    time = _moment(start + timedelta(seconds=page * _SAMPLES / hertz))
    return _crlf(
        f"Recorded Data\nDevice Unique Serial Code:{serial}\nSequence Number:{page}\nPage Time:{time}\n"
        f"Unassigned:\nTemperature:30.5\nBattery voltage:4.1642\nDevice Status:Recording\n"
        f"Measurement Frequency:{hertz:.1f}\n"
    )


def _hexadecimal(acceleration: NDArray[np.float32]) -> NDArray[np.uint8]:
    raw = np.clip(np.round((acceleration * _GAIN + _OFFSET) / 100), -2048, 2047).astype(np.int64) & 0xFFF
    digits = np.zeros((len(raw), 12), dtype=np.uint8)
    for axis in range(3):
        for place in range(3):
            digits[:, axis * 3 + place] = raw[:, axis] >> (8 - 4 * place) & 0xF
    return _DIGITS[digits].reshape(-1, 12 * _SAMPLES)


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}:{value.microsecond // 1000:03d}"


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("latin-1")
