"""The dialect users write, a superset of Trino's functions, spelled for DuckDB: macros, and edits where macros fail.

Where Trino and DuckDB give the same name different meanings (`/` on integers, `regexp_replace`), Trino's holds, so that
a statement means the same on every engine. `SHOW` and `DESCRIBE` are in `commands`; nothing here runs a statement.
Source: https://trino.io/docs/current/functions.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SETTINGS: tuple[str, ...] = (
    "SET lambda_syntax = 'ENABLE_SINGLE_ARROW'",
    "SET integer_division = true",
    "SET TimeZone = 'UTC'",
)

MACROS: tuple[str, ...] = (
    "array_join(l, sep) AS array_to_string(l, sep), "
    "(l, sep, missing) AS array_to_string(list_transform(l, lambda e: coalesce(e::VARCHAR, missing)), sep)",
    "arrays_overlap(a, b) AS list_has_any(a, b)",
    "array_union(a, b) AS list_distinct(list_concat(a, b))",
    "array_except(a, b) AS list_distinct(list_filter(a, lambda e: NOT list_contains(b, e)))",
    "array_remove(a, x) AS list_filter(a, lambda e: e <> x)",
    "array_max(a) AS list_max(a)",
    "array_min(a) AS list_min(a)",
    "array_sum(a) AS list_sum(a)",
    "array_average(a) AS list_avg(a)",
    "element_at(x, k) AS x[k]",
    "slice(l, first, n) AS l[first:first + n - 1]",
    "sequence(a, b) AS generate_series(a, b), (a, b, step) AS generate_series(a, b, step)",
    "map_agg(k, v) AS map(list(k), list(v))",
    "json_format(j) AS j::VARCHAR",
    "json_parse(s) AS s::JSON",
    "json_extract_scalar(j, p) AS CASE WHEN json_type(j, p) NOT IN ('ARRAY', 'OBJECT') "
    "THEN json_extract_string(j, p) END",
    "millisecond(t) AS system.main.millisecond(t) % 1000",
    "regexp_like(s, p) AS regexp_matches(s, p)",
    "regexp_replace(s, p) AS system.main.regexp_replace(s, p, '', 'g'), "
    "(s, p, r) AS system.main.regexp_replace(s, p, r, 'g'), (s, p, r, o) AS system.main.regexp_replace(s, p, r, o)",
    "regexp_extract(s, p) AS CASE WHEN regexp_matches(s, p) THEN system.main.regexp_extract(s, p) END, "
    "(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN system.main.regexp_extract(s, p, g) END, "
    "(s, p, g, o) AS CASE WHEN regexp_matches(s, p, o) THEN system.main.regexp_extract(s, p, g, o) END",
    "regexp_count(s, p) AS len(regexp_extract_all(s, p))",
    "approx_distinct(x) AS approx_count_distinct(x), (x, e) AS approx_count_distinct(x)",
    "approx_percentile(x, p) AS approx_quantile(x, p)",
    "date_add(u, n, d) AS d + (CASE lower(u) WHEN 'second' THEN to_seconds(n) WHEN 'minute' THEN to_minutes(n) "
    "WHEN 'hour' THEN to_hours(n) WHEN 'day' THEN to_days(n::INTEGER) WHEN 'week' THEN to_weeks(n::INTEGER) "
    "WHEN 'month' THEN to_months(n::INTEGER) WHEN 'quarter' THEN to_quarters(n::INTEGER) "
    "WHEN 'year' THEN to_years(n::INTEGER) ELSE error('date_add: unknown unit ' || u) END), (d, i) AS d + i",
    "date_diff(u, a, b) AS date_sub(u, a, b)",
    "from_unixtime(s) AS to_timestamp(s)",
    "to_unixtime(t) AS epoch(t)",
    "from_iso8601_timestamp(s) AS s::TIMESTAMPTZ",
    "from_iso8601_date(s) AS s::DATE",
    "to_iso8601(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S')",
    "day_of_week(d) AS isodow(d)",
    "day_of_month(d) AS dayofmonth(d)",
    "day_of_year(d) AS dayofyear(d)",
    "levenshtein_distance(a, b) AS levenshtein(a, b)",
    "hamming_distance(a, b) AS hamming(a, b)",
    "codepoint(s) AS unicode(s)",
    "rand() AS random()",
    "is_nan(x) AS isnan(x)",
    "is_finite(x) AS isfinite(x)",
    "is_infinite(x) AS isinf(x)",
)

# Functions that take a lambda cannot be macros: what is before the arguments, and what is after.
_WRAPPED = {
    "transform": ("list_transform(", ")"),
    "any_match": ("coalesce(list_bool_or(list_transform(", ")), false)"),
    "all_match": ("coalesce(list_bool_and(list_transform(", ")), true)"),
    "none_match": ("(NOT coalesce(list_bool_or(list_transform(", ")), false))"),
}
# MySQL's format letters, which Trino uses, to strftime's.
_DATE_LETTERS = {"i": "M", "s": "S", "M": "B", "c": "-m", "e": "-d", "k": "-H", "h": "I", "l": "-I", "W": "A"}
_DATE_FORMATS = {"date_parse": "strptime(", "date_format": "strftime("}
FUNCTIONS: frozenset[str] = frozenset(
    {macro.split("(", 1)[0] for macro in MACROS} | _WRAPPED.keys() | _DATE_FORMATS.keys()
)


@dataclass(frozen=True)
class Edit:
    """Replace bytes `start` to `end` of a statement by `text`."""

    start: int
    end: int
    text: str


def apply_edits(sql: str, edits: Iterable[Edit]) -> str:
    """Return `sql` with `edits` made; edits never overlap, insertions at one place keep the order given."""
    source, pieces, done = sql.encode(), [], 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        pieces += [source[done : edit.start], edit.text.encode()]
        done = edit.end
    return b"".join([*pieces, source[done:]]).decode()


def original_offset(offset: int, edits: Iterable[Edit]) -> int:
    """Return the byte in the unedited statement that byte `offset` of the edited one stands for."""
    shift = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        length = len(edit.text.encode())
        if offset < edit.start + shift:
            break
        if offset < edit.start + shift + length:
            return edit.start
        shift += length - (edit.end - edit.start)
    return offset - shift


def edits_for_call(name: str, node: dict[str, Any], arguments: list[dict[str, Any]], source: bytes) -> tuple[Edit, ...]:
    """Return what respells a call of one of users' functions, nothing where DuckDB or a macro knows it.

    Args:
        name: The function, in lower case.
        node: DuckDB's parse of the call, with its span in bytes.
        arguments: DuckDB's parse of the arguments.
        source: The statement.
    """
    start, length = int(node.get("query_location", 0)), int(node.get("query_location_length", 0))
    head = source[start : start + len(name)].decode(errors="replace").lower()
    opening = source.find(b"(", start + len(name)) + 1
    closing = source[start + length - 1 : start + length]
    if head != name or source[start + len(name) : opening - 1].strip() or closing != b")":
        return ()
    if name in _WRAPPED:
        before, after = _WRAPPED[name]
        return (Edit(start, opening, before), Edit(start + length - 1, start + length, after))
    if name in _DATE_FORMATS and len(arguments) == 2:
        pattern = arguments[1]["expression"]
        if pattern.get("literal", {}).get("kind") != "STRING":
            return ()
        first, size = pattern["query_location"], pattern["query_location_length"]
        spelled = _strftime_format(pattern["literal"]["text"]).replace("'", "''")
        return (Edit(start, opening, _DATE_FORMATS[name]), Edit(first, first + size, f"'{spelled}'"))
    return ()


def _strftime_format(pattern: str) -> str:
    out, letters = [], iter(pattern)
    for letter in letters:
        if letter == "%":
            following = next(letters, "")
            out.append("%" + _DATE_LETTERS.get(following, following))
        else:
            out.append(letter)
    return "".join(out)


def from_trino(sql: str) -> str | None:
    """Return a Trino statement in DuckDB's syntax, None where it is not Trino's either."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        translated = sqlglot.transpile(sql, read="trino", write="duckdb")
    except (SqlglotError, RecursionError):
        return None
    return "; ".join(translated) if translated else None
