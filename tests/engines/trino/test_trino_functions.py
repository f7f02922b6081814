"""Functions that both engines have give the same on both; the embedded engine is the other side here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from biolake.sql.engine import open_engine
from biolake.sql.models import SqlEngine
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import geo_lake

pytestmark = pytest.mark.trino

ONE = "FROM geo.datasets WHERE dataset_id = 'GSE1'"
# fmt: off
EXPRESSIONS: list[str] = [
    "abs(-3), ceil(1.2), floor(-1.2), round(2.567, 2), sign(-4), mod(7, 3), power(2, 10), sqrt(9)",
    "cbrt(27)",
    "ln(exp(1)), log10(1000), log2(8), log(100), log(2, 8), pi() > 3, degrees(pi()), radians(180)",
    "7 / 2, -7 / 2, 7 / 2.0, 1 / 3.0, 7 % 3, 2.5 * 2, 1.10 + 2.20",
    "is_nan(CAST('NaN' AS DOUBLE)), is_finite(1.0), is_infinite(CAST('Infinity' AS DOUBLE)), isnan(1.0)",
    "upper('aé'), lower('AÉ'), length('aé'), len('aé'), reverse('abc'), replace('aba', 'a', 'x')",
    "trim('  a '), strpos('abc', 'c')",
    "lpad('7', 3, '0'), rpad('7', 3, '0'), substr('abcdef', 2, 3), substring('abcdef', 3)",
    "split_part('a-b-c', '-', 2)",
    "concat('a', 'b', 'c'), concat_ws('-', 'a', 'b'), 'a' || 'b', starts_with('abc', 'ab')",
    "prefix('abc', 'ab'), suffix('abc', 'bc')",
    "left('abcdef', 2), chr(65), codepoint('A'), translate('abc', 'ab', 'xy'), repeat('ab', 3)",
    "contains('abc', 'bc')",
    "split('a,b,c', ','), string_split('a,b', ','), levenshtein_distance('abc', 'abd')",
    "hamming_distance('abc', 'abd')",
    "regexp_like('GSE12', '^GSE\\d+$'), regexp_matches('GSE12', '\\d'), regexp_replace('a1b2', '\\d', '#')",
    "regexp_count('a1b2', '\\d')",
    "regexp_extract('GSE12-x', '\\d+'), regexp_extract('GSE12', '(G)(S)', 2)",
    "regexp_extract('abc', '\\d+'), regexp_extract_all('a1b22', '\\d+')",
    "md5('x'), sha1('x'), sha256('x')",
    "cardinality(ARRAY[1, 2]), len([1, 2, 3]), contains([1, 2], 2), list_contains(['a'], 'b')",
    "array_position([4, 5], 5)",
    "array_distinct([1, 1, 2]) = [1, 2] OR array_distinct([1, 1, 2]) = [2, 1], array_max([1, 3, 2])",
    "array_min([3, 1]), array_sort([3, 1, 2])",
    "array_join([1, 2], '-'), array_to_string(['a', 'b'], '+'), array_remove([1, 2, 1], 1)",
    "flatten([[1], [2, 3]]), slice([1, 2, 3, 4], 2, 2)",
    "array_sum([1.5, 2.5]), array_average([1.0, 2.0, 6.0]), array_sum([1.0, NULL])",
    "arrays_overlap([1], [1, 2]), sequence(1, 4)",
    "array_sort(array_union([1], [2])), array_except([1, 2], [2]), array_intersect([1, 2], [2])",
    "list_concat([1], [2]), concat([1], [2])",
    "[10, 20][2], [10][5], element_at([10], 3), ARRAY['a', 'b'][1]",
    "transform([1, 2], x -> x * 2), filter([1, 2, 3], x -> x > 1), list_transform(['a'], x -> upper(x))",
    "list_filter([1, 2], x -> x = 2)",
    "any_match([1, 2], x -> x > 1), all_match([1, 2], x -> x > 0), none_match([1, 2], x -> x > 2)",
    "reduce([1, 2, 3], (a, b) -> a + b)",
    "reduce([1, 2, 3], (a, b) -> a * b, 10), list_reduce([4, 5], (a, b) -> a + b)",
    "map(['a', 'b'], [1, 2])['b'], map(['a'], [1])['z'], cardinality(map(['a'], [1]))",
    "map_keys(map(['a'], [1])), map_values(map(['a'], [1]))",
    "coalesce(NULL, 2), nullif(1, 1), greatest(1, 3, NULL), least(2, 1)",
    "CASE WHEN 1 = 1 THEN 'y' ELSE 'n' END, if(1 = 2, 'a', 'b')",
    "CAST('3' AS INTEGER), try_cast('x' AS INTEGER), CAST(3 AS VARCHAR), '4'::INTEGER + 1",
    "CAST(2.6 AS INTEGER)",
    "json_extract_scalar(metadata, '$.design.arms'), json_array_length('[1, 2]')",
    "json_format(CAST(curated_tissue AS JSON))",
    "year(ingested_at), month(ingested_at), day(ingested_at), hour(ingested_at)",
    "EXTRACT(YEAR FROM ingested_at), quarter(ingested_at)",
    "day_of_week(DATE '2026-01-04'), day_of_year(DATE '2026-02-01'), week(DATE '2026-01-04')",
    "date_trunc('month', DATE '2026-01-20') = DATE '2026-01-01'",
    "DATE '2026-01-01' + INTERVAL '1' DAY = DATE '2026-01-02'",
    "date_diff('day', DATE '2020-01-01', DATE '2020-03-01')",
    "date_diff('month', DATE '2020-01-31', DATE '2020-02-01')",
    "date_format(ingested_at, '%Y-%m-%d'), to_iso8601(TIMESTAMP '2026-01-02 03:04:05')",
    "to_unixtime(ingested_at), from_unixtime(0) = TIMESTAMP '1970-01-01 00:00:00 UTC'",
    "1 IN (1, 2), NOT (1 = 2), 2 BETWEEN 1 AND 3, NULL IS NULL, 'abc' LIKE 'a%', 'ABC' ILIKE 'a%'",
    "1 IS DISTINCT FROM NULL",
]
STATEMENTS: list[str] = [
    "SELECT count(*), count(DISTINCT dataset_id), min(position), max(position), avg(position), "
    "sum(position) FROM geo.samples",
    "SELECT dataset_id, array_agg(sample_id ORDER BY position), bool_and(curated_is_control), "
    "count_if(curated_is_control) FROM geo.samples GROUP BY dataset_id ORDER BY 1",
    "SELECT string_agg(dataset_id, ',') FROM lab.samples GROUP BY dataset_id",
    "SELECT max_by(sample_id, position), arg_min(sample_id, position) FROM lab.samples",
    "SELECT stddev(position), var_pop(position), corr(position, position) FROM geo.samples",
    "SELECT sample_id, lag(sample_id) OVER (ORDER BY position), sum(position) OVER (ORDER BY position "
    "ROWS UNBOUNDED PRECEDING) FROM geo.samples WHERE dataset_id = 'GSE1' ORDER BY 1",
    "SELECT dataset_id FROM geo.datasets ORDER BY year NULLS FIRST LIMIT 1 OFFSET 1",
    "SELECT dataset_id FROM geo.datasets EXCEPT SELECT 'GSE1' UNION SELECT 'x' ORDER BY 1",
    "SELECT * FROM geo.samples JOIN geo.datasets USING (lot, dataset_id) ORDER BY dataset_id, position",
    "SELECT s.*, d.year FROM geo.datasets d JOIN geo.samples s USING (dataset_id) ORDER BY 1, 4",
    "SELECT d.dataset_id, d.lot, s.lot FROM geo.datasets d LEFT JOIN lab.samples s USING (dataset_id) ORDER BY 1",
    "SELECT d.dataset_id, count(s.sample_id) FROM geo.datasets d LEFT JOIN geo.samples s ON s.dataset_id "
    "= d.dataset_id GROUP BY d.dataset_id HAVING count(*) > 1 ORDER BY 2 DESC",
    "SELECT geo.datasets.title, datasets.year FROM geo.datasets ORDER BY 1",
    "SELECT EXISTS (SELECT 1 FROM geo.samples s WHERE s.dataset_id = d.dataset_id) FROM lab.datasets d",
    "SELECT d.dataset_id, d.title FROM geo.datasets d WHERE d.title IN (SELECT title FROM geo.datasets "
    "WHERE year > 2015)",
    "SELECT a.n, b.n FROM (VALUES (1), (2)) AS a(n) JOIN (VALUES (2), (3)) AS b(n) ON a.n = b.n",
    "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 8) SELECT sum(n) "
    "FROM steps",
    "SELECT \"values\" FROM geo.matrix WHERE matrix.values[1] > 2 ORDER BY dataset_id, feature_id",
]
# fmt: on


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEngine]:
    lake = geo_lake(Path(tmp_path_factory.mktemp("other")) / "lake")
    with open_engine(lake.url, limits=LIMITS) as opened:
        yield opened


def plain(engine: SqlEngine, sql: str) -> list[list[object]]:
    return [
        [round(value, 9) if isinstance(value, float) else value for value in row.values()]
        for row in engine.query(sql).to_records()
    ]


@pytest.mark.parametrize("expressions", EXPRESSIONS)
def test_expressions_give_the_same(engine: SqlEngine, embedded: SqlEngine, expressions: str) -> None:
    sql = f"SELECT {expressions} {ONE}"
    assert plain(engine, sql) == plain(embedded, sql)


@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements_give_the_same(engine: SqlEngine, embedded: SqlEngine, sql: str) -> None:
    assert plain(engine, sql) == plain(embedded, sql)
    ours, theirs = engine.query(sql), embedded.query(sql)
    assert [(c.name, c.type) for c in ours.columns] == [(c.name, c.type) for c in theirs.columns]
    assert ours.table.schema.types == theirs.table.schema.types


@pytest.mark.parametrize(
    "value", ["x'; --", 5, -5, 2**40, 1.5, -0.25, True, None, ["a", "b'c"], [1, 2]], ids=lambda value: repr(value)
)
def test_parameters_mean_the_same(engine: SqlEngine, embedded: SqlEngine, value: object) -> None:
    sql = "SELECT $given AS given"
    answers = [one.query(sql, {"given": value}).to_records() for one in (engine, embedded)]  # type: ignore[dict-item]
    assert answers[0] == answers[1] == [{"given": value}]
