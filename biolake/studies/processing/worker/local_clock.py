"""Tables whose times are those of a wall clock: read so that days begin where they do for a device's own file.

SKDH's reader of tables takes times without an offset for UTC as soon as it is told a time zone, and its readers of
device files take them for local ones: the same recording would have its days begin hours apart.
"""

from collections.abc import Callable
from typing import Any

_LOOKED_AT = 5


def stamps_are_local(reader: Any, command: dict[str, Any]) -> bool:
    """Say whether the file is a table whose times are text without an offset, by a device's local clock."""
    import pandas as pd

    if command["format"] != "csv" or command["clock"] != "device_local" or not command["arguments"].get("tz_name"):
        return False
    settings = reader._kw.get("reader_kw") or {} if reader._cls_name == "MultiReader" else reader._kw
    table = pd.read_csv(command["files"][0], **{**(settings.get("read_csv_kwargs") or {}), "nrows": _LOOKED_AT})
    stamps = table[settings["time_col_name"]]
    if pd.api.types.is_numeric_dtype(stamps):
        return False
    options = {name: value for name, value in (settings.get("to_datetime_kwargs") or {}).items() if name != "utc"}
    return getattr(pd.to_datetime(stamps, **options).dtype, "tz", None) is None


def read_local(predict: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Read without a time zone, then count the times in it as SKDH does for device files: by the first offset."""
    from skdh.io.base import handle_naive_timestamps

    zone = arguments["tz_name"]
    further, found = predict(**{**arguments, "tz_name": None})
    time = handle_naive_timestamps(found["time"], True, zone)
    return {**further, "tz_name": zone, "time": time}, {**found, "time": time}
