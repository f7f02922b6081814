"""What is refused everywhere is refused before Trino hears of it, and nothing else of Trino's is reached."""

import pytest

from biolake.sql import errors
from biolake.sql.models import SqlEngine
from tests.sql.test_attacks import test_refused  # noqa: F401

pytestmark = pytest.mark.trino

# fmt: off
OF_TRINO: list[tuple[str, str]] = [
    ("its nodes", "SELECT * FROM system.runtime.nodes"),
    ("its queries by two names", "SELECT * FROM runtime.queries"),
    ("another catalog", "SELECT * FROM opensearch.\"default\".\"x\""),
    ("its session", "SELECT current_user"),
    ("its version", "SELECT version()"),
    ("a function with a schema", "SELECT system.builtin.lower('A')"),
    ("a table function of a connector", "SELECT * FROM TABLE(opensearch.system.raw_query(schema => 'a'))"),
    ("a table's history", "SELECT * FROM geo.\"datasets$history\""),
    ("another version", "SELECT * FROM geo.datasets FOR VERSION AS OF 0"),
    ("a prepared statement", "EXECUTE IMMEDIATE 'SELECT 1'"),
    ("a setting", "SET SESSION query_max_run_time = '1d'"),
    ("a call", "CALL lake.system.flush_metadata_cache()"),
]
# fmt: on


@pytest.mark.parametrize("sql", [case[1] for case in OF_TRINO], ids=[case[0] for case in OF_TRINO])
def test_nothing_of_trino_itself_is_reached(engine: SqlEngine, sql: str) -> None:
    refusals = (errors.UnknownTable, errors.NotASelect, errors.ForbiddenFunction, errors.UnknownFunction)
    with pytest.raises((*refusals, errors.InvalidSyntax, errors.UnknownColumn, errors.NotOnTrino)):
        engine.query(sql)


def test_a_comment_that_only_duckdb_nests_hides_nothing(engine: SqlEngine) -> None:
    with pytest.raises((errors.NotOnTrino, errors.NotASelect)):
        engine.query("SELECT 1 AS one /* /* */ , (SELECT count(*) FROM system.runtime.nodes) -- */")


def test_a_name_that_looks_like_a_mark_is_a_name(engine: SqlEngine) -> None:
    sql = "WITH b00_table_0 AS (SELECT 'mine' AS title) SELECT b00_table_0.title FROM b00_table_0, geo.datasets LIMIT 1"
    assert engine.query(sql).to_records() == [{"title": "mine"}]


def test_text_that_looks_like_sql_is_text(engine: SqlEngine) -> None:
    said = "a'b''c\" -- /* \\ ' OR 1=1; é \U0001f9ec"
    assert engine.query("SELECT ? AS said, 'x''; --' AS other", [said]).to_records() == [
        {"said": said, "other": "x'; --"}
    ]
