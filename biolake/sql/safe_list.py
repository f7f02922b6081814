"""What a statement may contain: kinds of nodes in DuckDB's parse tree, functions, table functions. All else is refused.

The lists are kept here alone; `syntax_tree` compares a statement with them. Names of nodes are DuckDB's
(`json_serialize_sql`).
"""

import re

NODES: frozenset[str] = frozenset(
    (
        *("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"),
        *("BASE_TABLE", "TABLE_FUNCTION", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"),
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
    )
)
EXPRESSIONS: frozenset[str] = frozenset(
    (
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *(
            "LAMBDA",
            "LAMBDA_REF",
            "OPERATOR",
            "PARAMETER",
            "POSITIONAL_REFERENCE",
            "STAR",
            "SUBQUERY",
            "TYPE",
            "WINDOW",
        ),
    )
)
TABLE_FUNCTIONS: frozenset[str] = frozenset({"unnest", "range", "generate_series", "json_each", "search"})

# Functions are allowed by what DuckDB says of them (pure ones are), these by name; FORBIDDEN overrides both.
VOLATILE_FUNCTIONS: frozenset[str] = frozenset({"random", "rand", "uuid", "gen_random_uuid"})
STABLE_FUNCTIONS: frozenset[str] = frozenset(
    ("current_date", "get_current_time", "get_current_timestamp", "now", "today", "transaction_timestamp")
)
# Built-in syntax that DuckDB's parser turns into functions which are not in its list of functions.
SYNTAX_FUNCTIONS: frozenset[str] = frozenset(
    ("unnest", "count_star", "coalesce", "grouping", "grouping_id", "construct_array", "try")
)
FORBIDDEN = re.compile(
    r"^(__internal|pg_|has_\w+_privilege$|inet_|json_serialize|json_deserialize|json_execute|current_(?!date)"
    r"|session_user$|user$|version$|index_key$|create_sort_key$|parse_duckdb|get_block_size$|map_to_pg"
    r"|obj_description$|shobj_description$|col_description$|in_search_path$|getvariable$|getenv$|txid_|sleep"
    r"|write_log$|nextval$|currval$|setval$|setseed$|stats$|vector_type$|error$)"
)
# Functions of DuckDB that reach outside; named so that the refusal can say why.
REACHES_OUTSIDE = re.compile(r"^(read_|duckdb_|pragma_|parquet_|sniff_|query|glob$|arrow_|pandas_|python_|seq_scan)")

# Kinds of sqlglot's expressions that change something.
SQLGLOT_REFUSED = (
    *("Insert", "Update", "Delete", "Merge", "Create", "Drop", "Alter", "Command", "Copy", "Attach", "Detach"),
    *("Pragma", "Set", "Use", "Transaction", "Commit", "Rollback", "Into", "LoadData", "Install", "Kill", "Export"),
    *("Analyze", "Cache", "Uncache", "Refresh", "TruncateTable", "Grant", "Revoke", "Comment", "Execute", "Put"),
    *("Get", "Describe", "Show", "Summarize"),
)
