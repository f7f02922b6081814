"""Turns rows as Trino's client gives them (JSON's types; times and decimals as text) into Arrow."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from biolake.sql import errors

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_table(
    names: Sequence[str], schema: "pa.Schema", rows: Sequence[Sequence[Any]], theirs: Sequence[str] = ()
) -> "pa.Table":
    """Return rows as a table.

    Args:
        names: The columns' names.
        schema: Their types, by place.
        rows: The rows.
        theirs: The columns' names as Trino tells them, where it does.

    Raises:
        NotOnTrino: Trino's columns are others, or in another order.
    """
    import pyarrow as pa

    if theirs and (len(theirs) != len(names) or any(map(_differ, names, theirs))):
        raise errors.NotOnTrino(
            f"Trino has the columns in another order ({', '.join(theirs)}). Name the columns instead of *."
        )

    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = []
    for name, column, field in zip(names, columns, schema, strict=True):
        try:
            arrays.append(_array(column, _storage(field.type)))
        except (ValueError, TypeError, KeyError, ArithmeticError, pa.ArrowException) as error:
            raise errors.NotOnTrino(
                f"the column {name} is no {field.type} on Trino, as it is to the embedded engine. CAST it to VARCHAR."
            ) from error
    return pa.Table.from_arrays(arrays, names=list(names))


def _differ(ours: str, theirs: str) -> bool:
    """Whether a column is another one; what has no name of its own is numbered by Trino."""
    return not theirs.startswith("_col") and ours.lower() != theirs.lower()


def _storage(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return kind.storage_type
    # An integer of 128 bits, which a sum is.
    if pa.types.is_decimal(kind) and kind.scale == 0 and kind.precision == 38:
        return pa.int64()
    return kind


def _array(values: Sequence[Any], kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if _is_plain(kind):
        try:
            return pa.array(values, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
    return pa.array([_value(value, kind) for value in values], kind)


def _is_plain(kind: "pa.DataType") -> bool:
    """Whether JSON's types are Arrow's."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return _is_plain(kind.value_type)
    return (
        pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )


def _value(value: Any, kind: "pa.DataType") -> Any:
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_list(kind):
        return [_value(item, kind.value_type) for item in value]
    if pa.types.is_map(kind):
        return [(_value(key, kind.key_type), _value(item, kind.item_type)) for key, item in value.items()]
    if pa.types.is_struct(kind):
        return {field.name: _value(item, field.type) for field, item in zip(kind, value, strict=True)}
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
    for is_kind, read in (
        (pa.types.is_floating, float),
        (pa.types.is_integer, _integer),
        (pa.types.is_date, date.fromisoformat),
        (pa.types.is_time, time.fromisoformat),
        (pa.types.is_timestamp, lambda text: _moment(text, kind)),
        (pa.types.is_boolean, bool),
        (pa.types.is_binary, b64decode),
        (pa.types.is_string, str),
    ):
        if is_kind(kind):
            return read(value)
    raise errors.NotOnTrino(f"a column of the type {kind} does not come back from Trino. CAST it to VARCHAR.")


def _integer(value: Any) -> int:
    return int(Decimal(value))


def _moment(value: str, kind: "pa.TimestampType") -> datetime:
    day, _, rest = value.partition(" ")
    hours, _, zone = rest.strip().partition(" ")
    moment = datetime.fromisoformat(f"{day} {hours}" if hours else day)
    if bool(zone) != (kind.tz is not None):
        raise ValueError(f"{value} where a {kind} was told")
    if not zone:
        return moment
    offset = zone[0] in "+-"
    return datetime.fromisoformat(f"{moment.isoformat()}{zone}") if offset else moment.replace(tzinfo=ZoneInfo(zone))
