"""Users' functions that are an expression on Trino, because it has none of the name, or gives it another meaning.

Arguments are texts in Trino's SQL. One that is put in more than once is written more than once: where it may be long,
a lambda binds it. Source: https://trino.io/docs/476/functions.html and https://duckdb.org/docs/sql/functions.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from biolake.sql.trino_casts import list_of_texts

# DuckDB's functions of lists do not count NULLs.
_THERE = "FILTER({}, b_i -> b_i IS NOT NULL)"
_ITEMS = _THERE.format("{0}")
_OTHERS = _THERE.format("{1}")
_TOTAL = (
    "REDUCE({0}, CAST(NULL AS DOUBLE), "
    "(total, item) -> IF(item IS NULL, total, COALESCE(total, 0e0) + item), total -> total)"
)
# \1 is a group and $ is itself.
_REWRITE = r"REGEXP_REPLACE(REPLACE({2}, '$', '\$'), '\\([0-9])', '\$$1')"
_LITERAL = "'([^']|'')*'"
_SCALAR = "JSON_EXTRACT_SCALAR({0}, {1})"

EXPRESSIONS: Mapping[tuple[str, int], str] = {
    ("all_match", 2): "COALESCE(ALL_MATCH({0}, {1}), true)",
    ("any_match", 2): "COALESCE(ANY_MATCH({0}, {1}), false)",
    ("none_match", 2): "COALESCE(NONE_MATCH({0}, {1}), true)",
    ("array_average", 1): "REDUCE({0}, CAST(ROW(0e0, 0) AS ROW(total DOUBLE, n BIGINT)), (state, item) -> "
    "IF(item IS NULL, state, CAST(ROW(state.total + item, state.n + 1) AS ROW(total DOUBLE, n BIGINT))), "
    "state -> IF(state.n = 0, NULL, state.total / state.n))",
    ("array_distinct", 1): f"ARRAY_DISTINCT({_ITEMS})",
    ("array_except", 2): "IF({0} IS NOT NULL, COALESCE("
    + _THERE.format("ARRAY_DISTINCT(ARRAY_EXCEPT({0}, {1}))")
    + ", ARRAY[]))",
    ("array_intersect", 2): f"IF({{0}} IS NOT NULL, COALESCE(ARRAY_INTERSECT({_ITEMS}, {_OTHERS}), ARRAY[]))",
    ("array_max", 1): f"ARRAY_MAX({_ITEMS})",
    ("array_min", 1): f"ARRAY_MIN({_ITEMS})",
    ("array_position", 2): "NULLIF(ARRAY_POSITION({0}, {1}), 0)",
    ("array_remove", 2): "COALESCE(" + _THERE.format("ARRAY_REMOVE({0}, {1})") + ", IF({0} IS NOT NULL, ARRAY[]))",
    ("array_sum", 1): _TOTAL,
    ("array_union", 2): _THERE.format("ARRAY_UNION(COALESCE({0}, ARRAY[]), COALESCE({1}, ARRAY[]))"),
    ("arrays_overlap", 2): f"ARRAYS_OVERLAP({_ITEMS}, {_OTHERS})",
    ("contains", 2): f"CONTAINS({_ITEMS}, {{1}})",
    ("contains_list", 2): f"CONTAINS({_ITEMS}, {{1}})",
    ("contains_text", 2): "(STRPOS({0}, {1}) > 0)",
    ("ends_with", 2): "(SUBSTR({0}, -LENGTH({1})) = {1})",
    ("from_iso8601_timestamp", 1): "(FROM_ISO8601_TIMESTAMP({0}) AT TIME ZONE 'UTC')",
    ("json_extract_string", 2): f"COALESCE({_SCALAR}, NULLIF(JSON_FORMAT(JSON_EXTRACT({{0}}, {{1}})), 'null'))",
    ("left", 2): "IF({1} < 0, SUBSTR({0}, 1, GREATEST(LENGTH({0}) + {1}, 0)), SUBSTR({0}, 1, {1}))",
    ("len_list", 1): "CARDINALITY({0})",
    ("len_text", 1): "LENGTH({0})",
    ("length_list", 1): "CARDINALITY({0})",
    ("length_text", 1): "LENGTH({0})",
    ("list_reduce", 2): "REDUCE(SLICE({0}, 2, CARDINALITY({0})), ELEMENT_AT({0}, 1), {1}, result -> result)",
    ("list_reduce", 3): "REDUCE({0}, {2}, {1}, result -> result)",
    ("list_sum", 1): _TOTAL,
    ("log", 1): "LOG10({0})",
    ("log", 2): "LOG({0}, {1})",
    ("max_by", 2): "MAX_BY({0}, IF({0} IS NOT NULL, {1}))",
    ("md5", 1): "LOWER(TO_HEX(MD5(TO_UTF8({0}))))",
    ("min_by", 2): "MIN_BY({0}, IF({0} IS NOT NULL, {1}))",
    ("reduce", 2): "REDUCE(SLICE({0}, 2, CARDINALITY({0})), ELEMENT_AT({0}, 1), {1}, result -> result)",
    ("reduce", 3): "REDUCE({0}, {2}, {1}, result -> result)",
    ("regexp_extract", 3): "IF(REGEXP_LIKE({0}, {1}), COALESCE(REGEXP_EXTRACT({0}, {1}, {2}), ''))",
    ("regexp_replace", 3): f"REGEXP_REPLACE({{0}}, {{1}}, {_REWRITE})",
    ("repeat", 2): "IF({0} IS NOT NULL, ARRAY_JOIN(REPEAT({0}, CAST({1} AS INTEGER)), ''))",
    ("replace", 3): "IF({1} = '' AND {2} IS NOT NULL, {0}, REPLACE({0}, {1}, {2}))",
    ("sequence", 2): "IF({0} > {1}, ARRAY[], SEQUENCE({0}, {1}))",
    ("sha1", 1): "LOWER(TO_HEX(SHA1(TO_UTF8({0}))))",
    ("sha256", 1): "LOWER(TO_HEX(SHA256(TO_UTF8({0}))))",
    ("skewness", 1): "IF(COUNT({0}) > 2, SKEWNESS({0}) * SQRT(CAST(COUNT({0}) AS DOUBLE) * (COUNT({0}) - 1)) / "
    "(COUNT({0}) - 2))",
    ("split_part", 3): "IF({0} IS NOT NULL AND {1} IS NOT NULL, COALESCE(SPLIT_PART({0}, {1}, {2}), ''))",
    ("suffix", 2): "(SUBSTR({0}, -LENGTH({1})) = {1})",
    ("to_iso8601", 1): "DATE_FORMAT({0}, '%Y-%m-%dT%H:%i:%s')",
    ("url_decode", 1): "URL_DECODE(REPLACE({0}, '+', '%2B'))",
    ("url_encode", 1): "REPLACE(REPLACE(REPLACE(URL_ENCODE({0}), '+', '%20'), '%7E', '~'), '*', '%2A')",
}
ANY_NUMBER: Mapping[str, tuple[str, str]] = {
    "concat_text": ("CONCAT_WS('', ", ")"),
    "greatest": ("ARRAY_MAX(FILTER(ARRAY[", "], item -> item IS NOT NULL))"),
    "least": ("ARRAY_MIN(FILTER(ARRAY[", "], item -> item IS NOT NULL))"),
    "list_value": ("ARRAY[", "]"),
}


def _average(arguments: Sequence[str]) -> str | None:
    """Return AVG of doubles: of decimals, Trino's has as many digits as they."""
    if len(arguments) != 1:
        return None
    distinct = "DISTINCT " if arguments[0].startswith("DISTINCT ") else ""
    return f"AVG({distinct}CAST({arguments[0].removeprefix(distinct)} AS DOUBLE))"


def _part(arguments: Sequence[str]) -> str | None:
    """Return SUBSTR: places before the first count as if something were there."""
    text, start, *length = arguments if len(arguments) in (2, 3) else ("", "")
    if not start:
        return None
    if _is_positive(start) and (not length or length[0].isdigit()):
        return f"SUBSTR({', '.join(arguments)})"
    first = f"IF({start} < 0, LENGTH({text}) + {start} + 1, {start})"
    if not length:
        return f"SUBSTR({text}, GREATEST({first}, 1))"
    # A negative length goes backwards.
    first = f"({first} + LEAST({length[0]}, 0))"
    return f"SUBSTR({text}, GREATEST({first}, 1), GREATEST({first} + ABS({length[0]}) - GREATEST({first}, 1), 0))"


def _lists(arguments: Sequence[str]) -> str | None:
    """Return CONCAT of lists: one that is NULL adds nothing."""
    return f"CONCAT({', '.join(f'COALESCE({argument}, ARRAY[])' for argument in arguments)})"


def _joined(arguments: Sequence[str]) -> str | None:
    if len(arguments) not in (2, 3):
        return None
    return f"ARRAY_JOIN({list_of_texts(arguments[0])}, {', '.join(arguments[1:])})"


def _joined_texts(arguments: Sequence[str]) -> str | None:
    """Return STRING_AGG; of nothing but NULLs it is NULL."""
    found = re.fullmatch(rf"(.*), ({_LITERAL})( ORDER BY .*)?", ", ".join(arguments), re.DOTALL)
    if found is None:
        return None
    value, separator, order = found.group(1), found.group(2), found.group(4) or ""
    kept = _THERE.format(f"ARRAY_AGG({value}{order})")
    return f"ARRAY_JOIN(NULLIF({kept}, ARRAY[]), {separator})"


def _is_positive(argument: str) -> bool:
    return bool(re.fullmatch(r"0*[1-9]\d*", argument))


WRITERS: Mapping[str, Callable[[Sequence[str]], str | None]] = {
    "array_join": _joined,
    "avg": _average,
    "concat": _lists,
    "concat_list": _lists,
    "string_agg": _joined_texts,
    "substr": _part,
    "substring": _part,
}
