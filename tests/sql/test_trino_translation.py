"""What Trino is given for a statement, without a Trino: nothing that only one of two parsers reads."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.sql import errors
from biolake.sql.process import accepted
from biolake.sql.sandbox import Walls
from biolake.sql.trino_positions import WrittenStatement
from biolake.sql.trino_result import arrow_table
from biolake.sql.trino_spelling import literal
from biolake.sql.trino_translation import Source, to_trino
from biolake.sql.versions import DECLARED
from biolake.sql.wire import Bind, Bound, RepositorySnapshot, TableSnapshot, encoded_schema
from biolake.sql.worker import Database

MARK = "bfeed"


class Translator:
    """Binds statements to the declared tables of a repository `geo`, as an engine's process does."""

    def __init__(self) -> None:
        self._database = Database(Walls([], 2 * 1024**3, 1, 100_000, 64, 100))
        tables = (TableSnapshot(s.name, "empty", (), encoded_schema(s.arrow)) for s in DECLARED.values())
        self._snapshot = RepositorySnapshot("geo", tuple(tables))

    def bind(self, sql: str, parameters: object = None) -> Bound:
        request = Bind(sql, parameters, 20.0, (self._snapshot,), (), MARK)
        bound = accepted(self._database.answer(request, memoryview(b""))[0])
        assert isinstance(bound, Bound)
        return bound

    def written(self, sql: str, parameters: object = None) -> WrittenStatement:
        bound = self.bind(sql, parameters)
        names = re.findall(rf"{MARK}_table_\d+", bound.marked)
        return to_trino(
            bound.marked,
            MARK,
            {name: Source("TABLE", "datasets", ("a", "lot")) for name in names},
            translated=bound.translated,
        )


@pytest.fixture(scope="module")
def translator() -> Iterator[Translator]:
    return Translator()


# fmt: off
WRITTEN: list[tuple[str, str]] = [
    ("SELECT title FROM geo.datasets", 'SELECT "title" FROM (TABLE) AS "datasets"'),
    ("select d.title from Geo . DATASETS d -- which\n;", 'SELECT "d"."title" FROM (TABLE) AS "d"'),
    ("SELECT geo.datasets.title FROM geo.datasets", 'SELECT "datasets"."title" FROM (TABLE) AS "datasets"'),
    ("SELECT values[1] FROM geo.matrix m", 'SELECT ELEMENT_AT("values", 1) FROM (TABLE) AS "m"'),
    ("SELECT contains(title, 'a'), contains(organism, 'a') FROM geo.datasets",
     'SELECT (STRPOS("title", \'a\') > 0), CONTAINS(FILTER("organism", b_i -> b_i IS NOT NULL), \'a\') '
     'FROM (TABLE) AS "datasets"'),
    ("SELECT len(title), len(organism) FROM geo.datasets d",
     'SELECT LENGTH("title"), CARDINALITY("organism") FROM (TABLE) AS "d"'),
    ("SELECT 7 / 2, 1 / 3.0", "SELECT 7 / 2, 1 / 3.0e0"),
    ("SELECT '1.5', 'a''b'", "SELECT '1.5', 'a''b'"),
    ("SELECT list_contains($ids, dataset_id) FROM geo.datasets d",
     "SELECT CONTAINS(FILTER(ARRAY['x', 'y'], b_i -> b_i IS NOT NULL), \"dataset_id\") FROM (TABLE) AS \"d\""),
    ("SELECT dataset_id FROM geo.datasets d LIMIT 2 OFFSET 1",
     'SELECT "dataset_id" FROM (TABLE) AS "d" OFFSET 1 LIMIT 2'),
    ("SELECT title ILIKE 'a%' FROM geo.datasets d", 'SELECT LOWER("title") LIKE LOWER(\'a%\') FROM (TABLE) AS "d"'),
    ("SELECT reduce(organism, (a, b) -> a || b) FROM geo.datasets d",
     'SELECT REDUCE(SLICE("organism", 2, CARDINALITY("organism")), ELEMENT_AT("organism", 1), '
     '("a", "b") -> "a" || "b", result -> result) FROM (TABLE) AS "d"'),
    ("SELECT d.dataset_id, s.lot FROM geo.datasets d JOIN geo.samples s USING (dataset_id)",
     'SELECT "dataset_id", "s"."lot" FROM (TABLE) AS "d" JOIN (TABLE) AS "s" USING ("dataset_id")'),
    ("SELECT d.lot, s.lot FROM geo.datasets d LEFT JOIN geo.samples s USING (lot)",
     'SELECT "lot", "s"."lot" FROM (TABLE) AS "d" LEFT JOIN (TABLE) AS "s" USING ("lot")'),
    ("SELECT s.* FROM geo.datasets d JOIN geo.samples s USING (lot)",
     'SELECT "s"."a", "lot" FROM (TABLE) AS "d" JOIN (TABLE) AS "s" USING ("lot")'),
    ("SELECT contains('abc', 'b'), concat('a', title), concat(organism, organism) FROM geo.datasets d",
     "SELECT (STRPOS('abc', 'b') > 0), CONCAT_WS('', 'a', \"title\"), "
     'CONCAT(COALESCE("organism", ARRAY[]), COALESCE("organism", ARRAY[])) FROM (TABLE) AS "d"'),
]
# fmt: on


@pytest.mark.parametrize(("sql", "expected"), WRITTEN, ids=[case[0] for case in WRITTEN])
def test_statement_is_written_for_trino(translator: Translator, sql: str, expected: str) -> None:
    assert translator.written(sql, {"ids": ["x", "y"]} if "$ids" in sql else None).text == expected


@pytest.mark.parametrize(
    ("sql", "at"),
    [
        ("SELECT 'é', hash(title) FROM geo.datasets", "hash"),
        ("SELECT i FROM range(3) t(i)", "range"),
        ("SELECT unnest(organism) FROM geo.datasets", "unnest"),
        ("SELECT organism[1:2] FROM geo.datasets", "[1"),
        ("SELECT MAP {'a': 1}", "MAP"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(translator: Translator, sql: str, at: str) -> None:
    with pytest.raises(errors.NotOnTrino) as caught:
        translator.written(sql)
    assert sql[caught.value.position or 0 :].startswith(at)


def test_a_comment_that_only_duckdb_nests_hides_nothing(translator: Translator) -> None:
    with pytest.raises((errors.NotOnTrino, errors.NotASelect)):
        translator.written("SELECT 1 /* /* */ , (SELECT count(*) FROM system.runtime.nodes) -- */")


def test_columns_are_named_and_typed_as_duckdb_says(translator: Translator) -> None:
    bound = translator.bind("SELECT count(*), n_samples / 2.0 AS half, organism FROM geo.datasets GROUP BY ALL")
    assert bound.names == ("count_star()", "half", "organism")
    assert bound.types == ("BIGINT", "DOUBLE", "VARCHAR[]")


@pytest.mark.parametrize(
    "marked",
    [
        "SELECT * FROM system.runtime.nodes",
        "SELECT * FROM nodes",
        "SELECT * FROM lake.s.t",
        "SELECT * FROM TABLE(x.system.raw_query(a => 'b'))",
        "SELECT (SELECT 1 FROM a.b) FROM (VALUES (1)) AS t(x)",
        "SELECT version()",
        "SELECT secret_function(1)",
        "SELECT 1; SELECT 2",
        "DROP TABLE a",
        "INSERT INTO a SELECT 1",
        "SELECT * FROM a, bfeed_table_0",
    ],
)
def test_nothing_but_marks_gets_through(marked: str) -> None:
    with pytest.raises((errors.NotASelect, errors.NotOnTrino)):
        to_trino(marked, MARK, {f"{MARK}_table_0": Source("TABLE", "t")}, translated=False)


@given(st.text())
def test_text_is_one_literal(text: str) -> None:
    written = to_trino(f"SELECT {literal(text)} AS said", MARK, {}, translated=False).text
    assert written == f'SELECT {literal(text)} AS "said"'


@given(st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.none())
def test_value_is_one_literal(value: object) -> None:
    written = to_trino(f"SELECT {literal(value)} AS said", MARK, {}, translated=False).text
    assert re.fullmatch(r"SELECT (CAST\('[^']+' AS DOUBLE\)|\(-\d+\)|\d+|TRUE|FALSE|NULL) AS \"said\"", written)


def test_a_place_in_trinos_text_is_led_back(translator: Translator) -> None:
    sql = "SELECT 'é' AS title, titel.title\nFROM geo.datasets AS titel WHERE year = 2020"
    written = translator.written(sql)
    assert written.original_position(sql, (1, written.text.index('"title" FROM') + 2)) == sql.index("title\nFROM")
    assert written.original_position(sql, (1, written.text.index("=") + 1)) == sql.index("=")
    assert written.original_position(sql, (1, written.text.index("TABLE") + 1)) is None
    assert written.original_position(sql, None) is None


def test_rows_become_arrow() -> None:
    schema = pa.schema(
        [
            ("text", pa.string()), ("number", pa.float64()), ("numbers", pa.list_(pa.float64())),
            ("when", pa.timestamp("us", "UTC")), ("day", pa.date32()), ("money", pa.decimal128(5, 2)),
            ("map", pa.map_(pa.string(), pa.int32())), ("bytes", pa.binary()),
        ]
    )  # fmt: skip
    rows = [
        ["a", "NaN", [1, "Infinity", None], "2026-01-02 03:04:05.123456 UTC", "2026-01-02", "1.50", {"k": 1}, "/w=="],
        [None] * 8,
    ]
    table = arrow_table(schema.names, schema, rows)
    first = table.slice(0, 1).to_pylist()[0]
    assert first["number"] != first["number"]
    assert first["numbers"] == [1.0, float("inf"), None]
    assert first["when"].isoformat() == "2026-01-02T03:04:05.123456+00:00"
    assert (str(first["day"]), str(first["money"]), first["map"], first["bytes"]) == (
        "2026-01-02",
        "1.50",
        [("k", 1)],
        b"\xff",
    )
    assert table.slice(1).to_pylist() == [dict.fromkeys(schema.names)]
    assert arrow_table(schema.names, schema, []).schema.names == schema.names
