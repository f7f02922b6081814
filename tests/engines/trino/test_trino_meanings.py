"""Where the engines give a name another meaning: statements are written so that both give the same, or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from biolake.sql import errors
from biolake.sql.engine import open_engine
from biolake.sql.models import SqlEngine
from tests.engines.trino.test_trino_functions import ONE, plain
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import geo_lake

pytestmark = pytest.mark.trino

# fmt: off
EXPRESSIONS: list[str] = [
    "0.1 + 0.2 = 0.3, 1.10 + 2.20, CAST(1.50 AS VARCHAR), round(-1.005, 2), 5.5 % 2",
    "CAST(1.23 AS DECIMAL(10, 2)) / CAST(4.5 AS DECIMAL(10, 2)), CAST(7 AS DECIMAL(10, 0)) / 2",
    "CAST(CAST(2.5 AS DOUBLE) AS INTEGER), CAST(CAST(-0.5 AS DOUBLE) AS BIGINT), CAST(2.5 AS INTEGER)",
    "try_cast('2.5' AS INTEGER), try_cast('1e3' AS INTEGER), try_cast(' 7' AS INTEGER), try_cast('x' AS INTEGER)",
    "CAST('2.5' AS INTEGER), try_cast('99999999999' AS INTEGER), CAST('1e18' AS BIGINT), CAST(true AS INTEGER)",
    "try_cast('yes' AS BOOLEAN), try_cast('N' AS BOOLEAN), try_cast('maybe' AS BOOLEAN), CAST('1' AS BOOLEAN)",
    "try_cast('1.5d' AS DOUBLE), try_cast('0x1p3' AS DOUBLE), try_cast('1e2' AS DOUBLE), try_cast('' AS DOUBLE)",
    "CAST('-inf' AS DOUBLE) < 0, CAST('Infinity' AS DOUBLE) > 0, is_nan(CAST('nan' AS DOUBLE))",
    "CAST(CAST(1.0 AS DOUBLE) AS VARCHAR), CAST(1e20 AS VARCHAR), CAST(1.5e-7 AS VARCHAR), CAST(0e0 AS VARCHAR)",
    "CAST(CAST(123456789 AS DOUBLE) AS VARCHAR), CAST(0.0001e0 AS VARCHAR), CAST(CAST('NaN' AS DOUBLE) AS VARCHAR)",
    "CAST('abcdef' AS VARCHAR(3)), CAST('a' AS CHAR(3)) || 'x', CAST(1.5e0 AS VARCHAR(2))",
    "CAST(TIMESTAMP '2026-01-02 03:04:05.120' AS VARCHAR), CAST(ingested_at AS VARCHAR)",
    "array_join([CAST(1.5 AS DOUBLE), 2], ','), array_join([1, NULL], ',', 'x')",
    "try_cast('2026-01-02T03:04:05' AS TIMESTAMP), TIMESTAMP '2026-01-02 03:04:05.123456'",
    "try_cast('2026-01-02 03:04:05' AS DATE), try_cast('2026/01/02' AS DATE), try_cast('2026-01-02 x' AS DATE)",
    "CAST('2026-01-02 03:04:05+02:00' AS TIMESTAMP WITH TIME ZONE)",
    "hour(from_iso8601_timestamp('2026-01-02T03:04:05+02:00'))",
    "DATE '2026-01-31' + INTERVAL '1' MONTH, date_trunc('week', DATE '2026-01-01')",
    "extract(DOW FROM DATE '2026-01-04'), millisecond(TIMESTAMP '2026-01-02 23:59:59.987')",
    "true IS TRUE, NULL IS NOT TRUE, NULL IS NOT FALSE, (1 = 2) IS NOT TRUE",
    "contains([1, NULL], 2), contains([1, NULL], NULL), list_contains([NULL], 1), NOT contains([NULL, 'a'], 'b')",
    "array_position([1], 5), list_position([4, NULL, 5], 5), array_distinct([1, NULL, NULL, 1])",
    "array_max([1, NULL, 3]), list_min(['b', NULL]), array_max([NULL, 1.5]), array_remove([1, NULL, 2, 1], 1)",
    "array_sum([CAST(NULL AS INTEGER)]), array_sum([1, NULL, 2]), list_sum([1, 2])",
    "array_except([1, NULL], [2]), array_intersect([1, NULL], [1, NULL]), arrays_overlap([1, NULL], [2])",
    "any_match([1, NULL], x -> x > 5), all_match([1, NULL], x -> x > 0), none_match([NULL], x -> x > 1)",
    "array_sort(array_except([3, 1, 3], CAST([] AS INTEGER[]))), array_except(CAST(NULL AS INTEGER[]), [1])",
    "array_sort(array_union([1], CAST(NULL AS INTEGER[]))), array_intersect([1], CAST(NULL AS INTEGER[]))",
    "concat([1], CAST(NULL AS INTEGER[])), concat([1], [2], [3]), concat(title, 'x', NULL)",
    "repeat(CAST(NULL AS VARCHAR), 3), repeat('ab', 2), array_sum(CAST(NULL AS INTEGER[]))",
    "sequence(5, 1), sequence(1, 3), cardinality(sequence(n_samples, n_samples))",
    "substr('abc', 0), substr('abc', 0, 2), substr('abc', -2), substr('abc', -5, 3), substr('abc', 2, -1)",
    "substr('aéb', year - 2018), left('abc', -1), left('abc', 2), replace('abc', '', 'x'), replace('aab', 'a', '')",
    "split_part('a-b', '-', 3), split_part(NULL, '-', 1), url_encode('a b/é?*~'), url_decode('a%20b+c')",
    r"regexp_replace('abc', '(b)', '[\1]'), regexp_replace('abc', 'b', '$0'), regexp_replace('abc', 'b', 'a$b')",
    "regexp_extract('abc', '(x)?b', 1), regexp_extract('abc', '(x)', 1), regexp_extract('abc', 'b')",
    "json_extract_scalar(metadata, '$.design'), json_extract_string(metadata, '$.tags')",
    "json_extract_scalar('{\"a\": null}', '$.a'), json_extract_string('{\"a\": \"null\"}', '$.a')",
    "json_array_length(CAST('[1, 2]' AS JSON)), CAST(json_parse('\"x\"') AS VARCHAR)",
]
STATEMENTS: list[str] = [
    "SELECT skewness(x) FROM (VALUES (1), (2), (4)) t(x)",
    "SELECT skewness(x) FROM (VALUES (1), (2)) t(x)",
    "SELECT max_by(x, y), min_by(x, y) FROM (VALUES (NULL, 5), (2, 3), (4, 1)) t(x, y)",
    "SELECT avg(x), avg(DISTINCT x), sum(x), sum(x) / count(*) FROM (VALUES (1.10), (2.25), (2.25)) t(x)",
    "SELECT sum(CAST(n_samples AS DECIMAL(10, 2))) / count(*) FROM geo.datasets",
    "SELECT string_agg(x, ',' ORDER BY x), string_agg(DISTINCT x, ', ') FROM (VALUES ('b'), ('b'), (NULL)) t(x)",
    "SELECT x, y, sum(z), grouping(x) FROM (VALUES (1, 1, 1), (1, 2, 2)) t(x, y, z) GROUP BY ROLLUP (x, y) "
    "ORDER BY x, y",
    "SELECT string_agg(x, ',') FROM (VALUES (CAST(NULL AS VARCHAR))) t(x)",
    "SELECT CAST(x AS INTEGER), count(*) FROM (VALUES (1.5), (2.5)) t(x) GROUP BY CAST(x AS INTEGER) ORDER BY 1",
    "SELECT contains(curated_tissue, 'liver'), count(*) FROM geo.datasets GROUP BY contains(curated_tissue, 'liver') "
    "ORDER BY 1",
    "SELECT array_average(\"values\"), array_join(\"values\", ';') FROM geo.matrix ORDER BY dataset_id, feature_id",
]
REFUSED: list[tuple[str, str]] = [
    ("SELECT 2 ^ 3", r"power\(a, b\)"),
    ("SELECT -x AS x FROM (VALUES (1), (2)) t(x) ORDER BY x + 0", "ORDER BY of an expression over x"),
    ("SELECT upper(title) AS title FROM geo.datasets ORDER BY lower(title)", "Name the one in the result otherwise"),
    ("WITH a AS (SELECT CAST(year AS DECIMAL(10, 2)) AS d FROM geo.datasets) SELECT d / 3 FROM a", "CAST its sides"),
    ("SELECT DATE '2026-01-01' - DATE '2025-12-30' AS days", "the column days"),
    (f"SELECT {'left(' * 25}title{', year)' * 25} FROM geo.datasets", "too long for Trino"),
]
# fmt: on


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEngine]:
    lake = geo_lake(Path(tmp_path_factory.mktemp("other")) / "lake")
    with open_engine(lake.url, limits=LIMITS) as opened:
        yield opened


@pytest.mark.parametrize("expressions", EXPRESSIONS)
def test_expressions_mean_the_same(engine: SqlEngine, embedded: SqlEngine, expressions: str) -> None:
    sql = f"SELECT {expressions} {ONE}"
    assert plain(engine, sql) == plain(embedded, sql)


@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements_mean_the_same(engine: SqlEngine, embedded: SqlEngine, sql: str) -> None:
    assert plain(engine, sql) == plain(embedded, sql)


@pytest.mark.parametrize(("sql", "hint"), REFUSED, ids=[case[1] for case in REFUSED])
def test_what_would_be_another_answer_is_refused(engine: SqlEngine, embedded: SqlEngine, sql: str, hint: str) -> None:
    embedded.query(sql)
    with pytest.raises(errors.NotOnTrino, match=hint):
        engine.query(sql)
