"""CAST as DuckDB understands it, in Trino's SQL: where the two give different values for the same cast.

A value is bound to a name first, so that it is written and computed once; of what type it is, which this side does not
know, Trino's `typeof` tells. Source: https://trino.io/docs/476/functions/conversion.html
"""

INTEGERS: frozenset[str] = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT"})
_NUMBER = r"'^\s*[+-]?([0-9]+\.[0-9]*|\.?[0-9]+)([eE][+-]?[0-9]+)?\s*$'"
_DAY = r"'^\s*([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})([ T][0-9]{1,2}:[0-9:.]+Z?)?\s*$'"
_TEXT = "CAST(b_v AS VARCHAR)"
_IS_TEXT = "TYPEOF(b_v) LIKE 'varchar%'"
_IS_DOUBLE = "TYPEOF(b_v) IN ('double', 'real')"
# 1.5, not 1.5E0; an exponent from 1e16 on and below 1e-4.
_DOUBLE_TEXT = (
    "CASE WHEN b_t = 'NaN' THEN 'nan' WHEN b_t = 'Infinity' THEN 'inf' WHEN b_t = '-Infinity' THEN '-inf' "
    r"WHEN CAST(b_t AS DOUBLE) = 0e0 THEN REGEXP_REPLACE(b_t, '0(\.0)?E0$', '0.0') "
    "WHEN ABS(CAST(b_t AS DOUBLE)) >= 1e-4 AND ABS(CAST(b_t AS DOUBLE)) < 1e16 "
    r"THEN REGEXP_REPLACE(CAST(CAST(b_t AS DECIMAL(38, 22)) AS VARCHAR), '(\.[0-9]+?)0+$', '$1') "
    r"ELSE REGEXP_REPLACE(SPLIT_PART(b_t, 'E', 1), '\.0$', '') || IF(STRPOS(b_t, 'E-') > 0, 'e-', 'e+') || "
    "LPAD(REGEXP_EXTRACT(b_t, '[0-9]+$'), GREATEST(2, LENGTH(REGEXP_EXTRACT(b_t, '[0-9]+$'))), '0') END"
)
# Seconds without zeros at their end, and +00 for UTC.
_TIME_TEXT = (
    r"REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(b_t, ' UTC$', '+00'), '(\.[0-9]*?)0+(\+00)?$', '$1$2'), "
    r"'\.(\+00)?$', '$1')"
)


def cast(value: str, kind: str, *, or_null: bool) -> str:
    """Return the cast of a value in Trino's SQL.

    Args:
        value: The value, in Trino's SQL.
        kind: Trino's type.
        or_null: Whether what cannot be cast becomes NULL.
    """
    if kind.startswith(("VARCHAR", "CHAR")):
        # To DuckDB, a text's length is only said.
        kind = "VARCHAR"
    how = "TRY_CAST" if or_null else "CAST"
    plain = f"{how}(b_v AS {kind})"
    if kind in INTEGERS:
        return _bound(value, _integer(kind, how, plain))
    if kind in ("DOUBLE", "REAL"):
        return _bound(value, _double(kind, how, plain))
    if kind == "TIMESTAMP(6)":
        # Day and hour may be parted by a T.
        text = rf"REGEXP_REPLACE({_TEXT}, '^(\s*[0-9]+-[0-9]+-[0-9]+)T', '$1 ')"
        return _bound(value, f"IF({_IS_TEXT}, {how}({text} AS {kind}), {plain})")
    if kind == "DATE":
        # A time after the day is left out, and days may be written with slashes.
        text = f"REGEXP_REPLACE({_TEXT}, {_DAY}, '$1-$2-$3')"
        return _bound(value, f"IF({_IS_TEXT}, {how}({text} AS {kind}), {plain})")
    if kind.startswith("DECIMAL"):
        return _bound(value, f"IF({_IS_TEXT}, {how}(TRIM({_TEXT}) AS {kind}), {plain})")
    if kind == "VARCHAR":
        return _bound(value, _text())
    if kind == "BOOLEAN":
        words = f"CASE WHEN LOWER({_TEXT}) IN ('yes', 'y') THEN true WHEN LOWER({_TEXT}) IN ('no', 'n') THEN false"
        return _bound(value, f"CASE WHEN NOT ({_IS_TEXT}) THEN {plain} ELSE {words} ELSE {plain} END END")
    if kind == "JSON":
        # A text is read as JSON; of anything else JSON is made.
        read = "JSON_PARSE(JSON_EXTRACT_SCALAR(CAST(b_v AS JSON), '$'))"
        read = f"TRY({read})" if or_null else read
        return _bound(value, f"IF({_IS_TEXT}, {read}, {plain})")
    if kind.startswith("TIMESTAMP") and kind.endswith("WITH TIME ZONE"):
        # Hours and days of it are those of UTC, whatever the zone that the text names.
        return f"({how}({value} AS {kind}) AT TIME ZONE 'UTC')"
    return f"{how}({value} AS {kind})"


def list_of_texts(items: str) -> str:
    """Return a list's items as texts."""
    return f"TRANSFORM({items}, b_v -> {_text()})"


def _bound(value: str, body: str) -> str:
    return f"ELEMENT_AT(TRANSFORM(ARRAY[{value}], b_v -> {body}), 1)"


def _integer(kind: str, how: str, plain: str) -> str:
    # A half goes to the even neighbour.
    even = "IF(ABS(b_d - TRUNCATE(b_d)) = 0.5e0, 2e0 * ROUND(b_d / 2e0), b_d)"
    double = f"ELEMENT_AT(TRANSFORM(ARRAY[TRY_CAST(b_v AS DOUBLE)], b_d -> {how}({even} AS {kind})), 1)"
    # '2.5' is 3, '1e3' is 1000.
    number = f"{how}({how}(TRIM({_TEXT}) AS DECIMAL(38, 10)) AS {kind})"
    text = f"IF(REGEXP_LIKE({_TEXT}, {_NUMBER}), {number}, {how}({_TEXT} AS {kind}))"
    return f"CASE WHEN {_IS_DOUBLE} THEN {double} WHEN {_IS_TEXT} THEN {text} ELSE {plain} END"


def _double(kind: str, how: str, plain: str) -> str:
    words = (
        f"CASE WHEN REGEXP_LIKE({_TEXT}, '(?i)^\\s*[+]?inf(inity)?\\s*$') THEN INFINITY() "
        f"WHEN REGEXP_LIKE({_TEXT}, '(?i)^\\s*-inf(inity)?\\s*$') THEN -INFINITY() "
        f"WHEN REGEXP_LIKE({_TEXT}, '(?i)^\\s*[+-]?nan\\s*$') THEN NAN() "
    )
    # Java reads 1.5d and 0x1p3 as numbers, too.
    other = rf"REGEXP_REPLACE({_TEXT}, '([dDfF]\s*$|[xX])', '$1 (no number)')"
    text = f"IF(REGEXP_LIKE({_TEXT}, {_NUMBER}), {plain}, CAST({words} ELSE {how}({other} AS DOUBLE) END AS {kind}))"
    return f"IF({_IS_TEXT}, {text}, {plain})"


def _text() -> str:
    changed = f"CASE WHEN {_IS_DOUBLE} THEN {_DOUBLE_TEXT} WHEN TYPEOF(b_v) LIKE 'time%' THEN {_TIME_TEXT} ELSE b_t END"
    return f"ELEMENT_AT(TRANSFORM(ARRAY[{_TEXT}], b_t -> {changed}), 1)"
