"""Statements that try to leave the lake, change something or exhaust the machine: refused, and nothing breaks."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biolake.sql import errors
from biolake.sql.embedded import EmbeddedEngine
from biolake.sql.models import SqlEngine
from biolake.sql.sandbox import Walls
from biolake.sql.worker import Database
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import MadeLake

FILE = "'/etc/passwd'"
PARENS = "(" * 500 + "1" + ")" * 500
# fmt: off
REFUSED: list[tuple[str, str, type[errors.SqlError]]] = [
    ("read_csv", f"SELECT * FROM read_csv({FILE})", errors.ForbiddenFunction),
    ("read_text", f"SELECT * FROM read_text({FILE})", errors.ForbiddenFunction),
    ("read_blob in a subselect", f"SELECT (SELECT content FROM read_blob({FILE}))", errors.ForbiddenFunction),
    ("read_parquet", "SELECT * FROM read_parquet('x.parquet')", errors.ForbiddenFunction),
    ("parquet_metadata", "SELECT * FROM parquet_metadata('x.parquet')", errors.ForbiddenFunction),
    ("glob", "SELECT * FROM glob('/*')", errors.ForbiddenFunction),
    ("sniff_csv", f"SELECT * FROM sniff_csv({FILE})", errors.ForbiddenFunction),
    ("a path as a table", f"SELECT * FROM {FILE}", errors.UnknownTable),
    ("a quoted path as a table", 'SELECT * FROM "/etc/passwd"', errors.UnknownTable),
    ("a quoted path as a repository", 'SELECT * FROM "../../etc".datasets', errors.UnknownTable),
    ("a quoted path as a lake's table", 'SELECT * FROM geo."../lab/datasets"', errors.UnknownTable),
    ("a quoted path as a matrix", 'SELECT * FROM data_matrices."geo__../../lab"', errors.UnknownTable),
    ("a matrix that ends the name early", "SELECT * FROM data_matrices.\"geo__x' OR '1'='1\"", errors.UnknownTable),
    ("the table behind a view", 'SELECT * FROM "current versions".geo', errors.UnknownTable),
    ("query", "SELECT * FROM query('SELECT 1')", errors.ForbiddenFunction),
    ("query_table", "SELECT * FROM query_table('geo.datasets')", errors.ForbiddenFunction),
    ("json_execute_serialized_sql", "SELECT * FROM json_execute_serialized_sql('{}')", errors.ForbiddenFunction),
    ("duckdb_views", "SELECT sql FROM duckdb_views()", errors.ForbiddenFunction),
    ("duckdb_settings", "SELECT * FROM duckdb_settings()", errors.ForbiddenFunction),
    ("duckdb_secrets", "SELECT * FROM duckdb_secrets()", errors.ForbiddenFunction),
    ("pragma function", "SELECT * FROM pragma_table_info('x')", errors.ForbiddenFunction),
    ("catalog view", "SELECT * FROM sqlite_master", errors.UnknownTable),
    ("catalog view by its schema", "SELECT * FROM pg_catalog.pg_views", errors.UnknownTable),
    ("information_schema", "SELECT * FROM information_schema.tables", errors.UnknownTable),
    ("catalog view by its database", "SELECT * FROM system.main.duckdb_views", errors.UnknownTable),
    ("catalog view behind a WITH of its name",
     "SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT 1), sqlite_master", errors.InvalidStatement),
    ("catalog view in its own WITH", "WITH pg_tables AS (SELECT * FROM pg_tables) SELECT * FROM pg_tables",
     errors.InvalidStatement),
    ("a WITH out of reach", "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a), a", errors.UnknownTable),
    ("current_setting", "SELECT current_setting('allowed_directories')", errors.ForbiddenFunction),
    ("getenv", "SELECT getenv('AWS_SECRET_ACCESS_KEY')", errors.ForbiddenFunction),
    ("getvariable", "SELECT getvariable('x')", errors.ForbiddenFunction),
    ("pg_get_viewdef", "SELECT pg_get_viewdef(1)", errors.ForbiddenFunction),
    ("a function of the system's schema",
     "SELECT system.main.current_setting('home_directory')", errors.ForbiddenFunction),
    ("write_log", "SELECT write_log('x')", errors.ForbiddenFunction),
    ("sleep", "SELECT sleep_ms(100000)", errors.ForbiddenFunction),
    ("json_serialize_sql", "SELECT json_serialize_sql('SELECT 1')", errors.ForbiddenFunction),
    ("nextval", "SELECT nextval('s')", errors.ForbiddenFunction),
    ("COPY", "COPY (SELECT 1) TO '/tmp/stolen.csv'", errors.NotASelect),
    ("ATTACH", "ATTACH '/tmp/x.db' AS x", errors.NotASelect),
    ("INSTALL", "INSTALL httpfs", errors.NotASelect),
    ("LOAD", "LOAD httpfs", errors.NotASelect),
    ("SET", "SET enable_external_access = true", errors.NotASelect),
    ("RESET", "RESET enable_external_access", errors.NotASelect),
    ("PRAGMA", "PRAGMA database_list", errors.NotASelect),
    ("EXPORT", "EXPORT DATABASE '/tmp/x'", errors.NotASelect),
    ("CREATE TABLE", "CREATE TABLE t AS SELECT 1", errors.NotASelect),
    ("CREATE MACRO", "CREATE MACRO m() AS 1", errors.NotASelect),
    ("DROP", "DROP VIEW geo.datasets", errors.NotASelect),
    ("INSERT", "INSERT INTO geo.datasets SELECT * FROM geo.datasets", errors.NotASelect),
    ("DELETE", "DELETE FROM geo.datasets", errors.NotASelect),
    ("UPDATE", "UPDATE geo.datasets SET title = 'x'", errors.NotASelect),
    ("INSERT in a WITH", "WITH t AS (INSERT INTO geo.datasets VALUES (1) RETURNING *) SELECT * FROM t",
     errors.NotASelect),
    ("DELETE in a WITH", "WITH t AS (DELETE FROM geo.datasets RETURNING *) SELECT * FROM t", errors.NotASelect),
    ("CALL", "CALL pragma_version()", errors.NotASelect),
    ("CHECKPOINT", "CHECKPOINT", errors.NotASelect),
    ("PREPARE", "PREPARE p AS SELECT 1", errors.NotASelect),
    ("EXECUTE", "EXECUTE p", errors.NotASelect),
    ("EXPLAIN ANALYZE", "EXPLAIN ANALYZE SELECT 1", errors.NotASelect),
    ("BEGIN", "BEGIN", errors.NotASelect),
    ("SUMMARIZE", "SUMMARIZE geo.datasets", errors.NotASelect),
    ("SHOW in a subselect", "SELECT * FROM (SHOW ALL TABLES)", errors.NotASelect),
    ("DESCRIBE in a subselect", "SELECT * FROM (DESCRIBE SELECT 1)", errors.NotASelect),
    ("two statements", "SELECT 1; DROP VIEW geo.datasets", errors.NotOneStatement),
    ("two statements around a comment", "SELECT 1 /* ; */ ; /* */ SELECT 2", errors.NotOneStatement),
    ("a comment that ends early", "SELECT 1 /* -- */ ; COPY (SELECT 1) TO '/tmp/x' -- */", errors.NotOneStatement),
    ("a nested comment", "SELECT 1 /* /* */ */ ; SELECT 2", errors.NotOneStatement),
    ("a dollar-quoted text", "SELECT $$'$$; SELECT $$'$$", errors.NotOneStatement),
    ("nothing", "   -- nothing", errors.NotOneStatement),
    ("500 parentheses", f"SELECT {PARENS}", errors.StatementTooNested),
    ("500 parentheses in a dollar-quoted disguise", f"SELECT $$'$$, {PARENS}, $$'$$", errors.SqlError),
    ("nested CASE", "SELECT " + "CASE WHEN true THEN " * 300 + "1" + " END" * 300, errors.StatementTooNested),
    ("nested NOT", "SELECT " + "NOT " * 20_000 + "true", errors.SqlError),
    ("a chain of operators", "SELECT " + "+".join(["1"] * 20_000), errors.SqlError),
    ("a long statement", "SELECT '" + "x" * 200_000 + "'", errors.StatementTooLong),
    ("a NUL", "SELECT 1\x00; SELECT 2", errors.InvalidSyntax),
    ("time travel", "SELECT * FROM geo.datasets AT (VERSION => 0)", errors.NotASelect),
    ("arrow_scan", "SELECT * FROM arrow_scan(1, 2, 3)", errors.ForbiddenFunction),
    ("repeat as a table", "SELECT * FROM repeat('x', 100000000000)", errors.ForbiddenFunction),
    ("a search with a statement in it", "SELECT * FROM search((SELECT title FROM geo.datasets))", errors.InvalidSearch),
]
# fmt: on


@pytest.mark.parametrize(("sql", "refusal"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(engine: SqlEngine, sql: str, refusal: type[errors.SqlError]) -> None:
    with pytest.raises(refusal):
        engine.query(sql)


@pytest.fixture
def small(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> SqlEngine:
    return open_on(read_lake, replace(LIMITS, memory_bytes=1024 * 1024**2, processes=1, seconds=2.0))


# fmt: off
EXHAUSTING: list[tuple[str, str]] = [
    ("a long text", "SELECT repeat('x', 3000000000)"),
    ("a text doubled by recursion",
     "WITH RECURSIVE r(s) AS (SELECT 'xxxxxxxxxx' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r"),
    ("endless recursion", "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r"),
    ("a product of ranges", "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)"),
    ("a sort of everything", "SELECT i FROM range(10000000000) t(i) ORDER BY hash(i)"),
    ("a list of everything", "SELECT list(i) FROM range(10000000000) t(i)"),
]
# fmt: on


@pytest.mark.parametrize("sql", [case[1] for case in EXHAUSTING], ids=[case[0] for case in EXHAUSTING])
def test_exhausting_statement_ends_and_the_next_one_is_answered(small: SqlEngine, sql: str) -> None:
    with pytest.raises((errors.QueryTimedOut, errors.QueryTooLarge, errors.QueryProcessDied)):
        small.query(sql)
    assert small.query("SELECT count(*) AS n FROM geo.datasets").to_records() == [{"n": 2}]


def test_rows_and_bytes_of_a_result_are_capped(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake, replace(LIMITS, rows=1000, result_bytes=100_000))
    cut = engine.query("SELECT i FROM range(1000000000) t(i)", max_rows=10**9)
    assert (cut.rows, cut.truncated) == (1000, True)
    assert engine.query("SELECT i FROM range(20) t(i)", max_rows=20).truncated is False
    wide = engine.query("SELECT repeat('x', 10000) AS x FROM range(900) t(i)")
    assert wide.truncated
    assert 0 < wide.table.nbytes <= 100_000


def test_process_has_no_credentials(
    open_on: Callable[..., SqlEngine], read_lake: MadeLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "top-secret")
    engine = open_on(read_lake)
    assert isinstance(engine, EmbeddedEngine)
    for process_id in engine.process_ids():
        assert b"top-secret" not in Path(f"/proc/{process_id}/environ").read_bytes()


def test_process_leaves_the_network_where_the_system_lets_it(
    open_on: Callable[..., SqlEngine], read_lake: MadeLake
) -> None:
    may = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    if subprocess.run([sys.executable, "-c", may], check=False).returncode:
        pytest.skip("this system does not let a process enter a namespace of its own")
    engine = open_on(read_lake)
    assert isinstance(engine, EmbeddedEngine)
    engine.query("SELECT 1")
    for process_id in engine.process_ids():
        interfaces = Path(f"/proc/{process_id}/net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
        assert interfaces[0].split()[1] == "0"


def test_walls_hold_even_without_the_checks(read_lake: MadeLake, tmp_path: Path) -> None:
    """The database itself opens nothing outside the lake's folder and takes no settings."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    database = Database(Walls([str(read_lake.folder)], 1024**3, 1, 10_000, 64, 100))
    for sql in (
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM read_text('{read_lake.folder}/../../secret.txt')",
        f"COPY (SELECT 1) TO '{tmp_path}/written.csv'",
        f"ATTACH '{tmp_path}/x.db' AS x",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "LOAD httpfs",
    ):
        with pytest.raises(Exception, match=r"Permission|Invalid|IO|Cannot|locked|disabled"):
            database._connection.execute(sql).fetchall()
    assert not (tmp_path / "written.csv").exists()
