"""What users' functions are on Trino: the same, another name, or an expression. A function that is not here is refused.

Both engines have hundreds of functions, some with the same name and another meaning, so this is a list of what is known
to give the same answer. Source: https://trino.io/docs/476/functions.html and https://duckdb.org/docs/sql/functions.
"""

from collections.abc import Mapping, Sequence

from biolake.sql.trino_expressions import ANY_NUMBER, EXPRESSIONS, WRITERS

SAME: frozenset[str] = frozenset(
    (
        *("abs", "acos", "asin", "atan", "atan2", "cbrt", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor"),
        *("ln", "log10", "log2", "mod", "pi", "pow", "power", "radians", "rand", "random", "round", "sign", "sin"),
        *("sinh", "sqrt", "tan", "tanh", "is_finite", "is_infinite", "is_nan", "bit_count"),
        *("count", "count_if", "sum", "avg", "min", "max", "min_by", "max_by", "any_value", "arbitrary", "array_agg"),
        *("bool_and", "bool_or", "corr", "covar_pop", "covar_samp", "stddev", "stddev_pop", "stddev_samp", "variance"),
        *("var_pop", "var_samp", "skewness", "regr_intercept", "regr_slope", "approx_distinct", "approx_percentile"),
        *("geometric_mean", "histogram", "map_agg", "listagg"),
        *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value"),
        *("last_value", "nth_value"),
        *(
            "array_distinct",
            "array_except",
            "array_intersect",
            "array_join",
            "array_max",
            "array_min",
            "array_position",
        ),
        *("array_remove", "array_sort", "array_union", "arrays_overlap", "cardinality", "element_at", "filter"),
        *("flatten", "sequence", "slice", "transform", "any_match", "all_match", "none_match"),
        *("map", "map_concat", "map_entries", "map_from_entries", "map_keys", "map_values"),
        *(
            "chr",
            "codepoint",
            "concat_ws",
            "hamming_distance",
            "levenshtein_distance",
            "lower",
            "upper",
            "lpad",
            "rpad",
        ),
        *("trim", "ltrim", "rtrim", "replace", "reverse", "split", "split_part", "starts_with", "strpos", "substr"),
        *("substring", "translate", "regexp_count", "regexp_extract", "regexp_extract_all", "regexp_like"),
        *("regexp_replace", "to_base64", "from_base64", "to_hex", "from_hex", "url_encode", "url_decode"),
        *("json_array_length", "json_extract", "json_extract_scalar", "json_format", "json_parse"),
        *("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "day_of_month"),
        *("day_of_week", "day_of_year", "date_add", "date_diff", "date_format", "date_parse", "date_trunc"),
        *("from_iso8601_date", "from_iso8601_timestamp", "from_unixtime", "to_unixtime", "now"),
        *("coalesce", "nullif", "if", "try", "grouping", "uuid"),
    )
)
RENAMED: Mapping[str, str] = {
    "approx_count_distinct": "approx_distinct", "arg_max": "max_by", "arg_min": "min_by", "argmax": "max_by",
    "argmin": "min_by", "array_concat": "concat", "array_filter": "filter", "array_length": "cardinality",
    "array_to_string": "array_join", "array_transform": "transform", "geomean": "geometric_mean",
    "isfinite": "is_finite",
    "isinf": "is_infinite", "isnan": "is_nan", "isodow": "day_of_week", 
    "instr": "strpos", "lcase": "lower", "levenshtein": "levenshtein_distance", "list": "array_agg",
    "list_concat": "concat", "list_contains": "contains", "list_distinct": "array_distinct", "list_filter": "filter",
    "list_has": "contains", "list_has_any": "arrays_overlap", "list_intersect": "array_intersect",
    "list_max": "array_max", "list_min": "array_min", "list_position": "array_position", "list_transform": "transform",
    "array_contains": "contains", "array_has": "contains", "array_has_any": "arrays_overlap", "prefix": "starts_with",
    "regexp_matches": "regexp_like", "str_split": "split", "string_split": "split", "strlen": "length",
    "ucase": "upper", "unicode": "codepoint", "countif": "count_if", "mean": "avg", "first": "arbitrary",
    "gen_random_uuid": "uuid", "dayofyear": "day_of_year", "dayofmonth": "day_of_month", "weekofyear": "week",
    "hex": "to_hex", "char_length": "length", "character_length": "length", "epoch": "to_unixtime", "ord": "codepoint",
}  # fmt: skip
# Functions of texts and of lists, which are two on Trino; one of DuckDB's for texts alone tells which is meant.
OVERLOADED: Mapping[str, str] = {
    "contains": "starts_with",
    "len": "strlen",
    "length": "strlen",
    "concat": "concat_ws",
}
# Syntax that DuckDB's parser turns into functions; sqlglot reads and writes it.
SYNTAX: frozenset[str] = frozenset(
    (
        *("coalesce", "construct_array", "count_star", "date_part", "list_value", "nullif", "position", "row"),
        *("struct_pack", "substring", "to_days", "to_hours", "to_minutes", "to_months", "to_quarters", "to_seconds"),
        *("to_weeks", "to_years", "trim", "ltrim", "rtrim", "trunc", "current_date", "get_current_timestamp", "now"),
        *("strpos", "instr", "if", "case", "not_like_escape", "like_escape"),
    )
)


def is_known(name: str) -> bool:
    """Whether a function of users' dialect can be written for Trino."""
    known = name in SAME or name in RENAMED or name in ANY_NUMBER or name in OVERLOADED
    return known or name in WRITERS or any(name == one for one, _ in EXPRESSIONS)


def written(name: str, arguments: Sequence[str]) -> str | None:
    """Return the call in Trino's SQL, None where Trino has nothing like it for so many arguments."""
    theirs = RENAMED.get(name, name)
    for one in (name, theirs):
        if (template := EXPRESSIONS.get((one, len(arguments)))) is not None:
            return template.format(*arguments)
    if (writer := WRITERS.get(theirs)) is not None:
        return writer(arguments)
    if (around := ANY_NUMBER.get(name)) is not None:
        return around[0] + ", ".join(arguments) + around[1]
    if name in SAME or name in RENAMED:
        return f"{theirs.upper()}({', '.join(arguments)})"
    return None
