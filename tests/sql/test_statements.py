"""The statements users write, with their answers: what every engine of the platform must agree on."""

import pytest

from biolake.sql.models import SqlEngine

# fmt: off
STATEMENTS: list[tuple[str, str, list[tuple[object, ...]]]] = [
    ("contains in a list",
     "SELECT dataset_id FROM geo.datasets WHERE CONTAINS(curated_disease, 'Normal')", [("GSE1",)]),
    ("contains in text",
     "SELECT dataset_id FROM geo.datasets WHERE contains(title, 'GSE2')", [("GSE2-GPL570",)]),
    ("cardinality of a filtered list",
     "SELECT dataset_id FROM geo.datasets "
     "WHERE CARDINALITY(FILTER(curated_disease, d -> LOWER(d) LIKE '%breast%')) > 0",
     [("GSE1",)]),
    ("cardinality of a map", "SELECT max(cardinality(characteristics)) FROM geo.samples", [(2,)]),
    ("array_join", "SELECT array_join(curated_disease, '; ') FROM geo.datasets WHERE dataset_id = 'GSE1'",
     [("Breast Neoplasms; Normal",)]),
    ("array_join with a replacement for null", "SELECT array_join(ARRAY['a', NULL], '-', '?')", [("a-?",)]),
    ("json_format of a list",
     "SELECT dataset_id FROM geo.datasets WHERE JSON_FORMAT(CAST(curated_cell_line AS JSON)) LIKE '%MCF%'",
     [("GSE1",)]),
    ("unnest",
     "SELECT tissue_name, count(*) FROM geo.datasets CROSS JOIN UNNEST(curated_tissue) AS t(tissue_name) "
     "GROUP BY tissue_name ORDER BY 1", [("breast", 1), ("liver", 1), ("skin", 1)]),
    ("unnest with a condition",
     "SELECT DISTINCT dataset_id FROM geo.datasets, UNNEST(curated_tissue) AS t(x) WHERE x IN ('liver', 'skin') "
     "ORDER BY dataset_id", [("GSE1",), ("GSE2-GPL570",)]),
    ("case with contains",
     "SELECT dataset_id, CASE WHEN CONTAINS(curated_disease, 'Normal') THEN 'control' ELSE 'case' END AS arm "
     "FROM geo.datasets ORDER BY 1", [("GSE1", "control"), ("GSE2-GPL570", "case")]),
    ("subselect in IN",
     "SELECT sample_id FROM geo.samples WHERE dataset_id IN (SELECT dataset_id FROM geo.datasets WHERE year = 2013) "
     "ORDER BY position", [("S1",), ("S2",), ("S3",)]),
    ("join with a subselect",
     "SELECT s.sample_id, d.title FROM geo.samples s JOIN (SELECT dataset_id, title FROM geo.datasets) d "
     "ON s.dataset_id = d.dataset_id WHERE s.dataset_id = 'GSE1' ORDER BY 1",
     [("S1", "Study GSE1"), ("S2", "Study GSE1")]),
    ("union across repositories",
     "SELECT dataset_id FROM geo.datasets UNION ALL SELECT dataset_id FROM lab.datasets ORDER BY 1",
     [("GSE1",), ("GSE2-GPL570",), ("L1",)]),
    ("characteristics by name",
     "SELECT sample_id FROM geo.samples WHERE characteristics['tissue'] = 'skin'", [("S1",)]),
    ("a characteristic that is not there", "SELECT count(characteristics['nothing']) FROM geo.samples", [(0,)]),
    ("element_at", "SELECT element_at(characteristics, 'age'), element_at(curated_tissue, 1) FROM geo.samples "
     "WHERE dataset_id = 'GSE1' ORDER BY 1", [("41", "liver"), ("42", "lung")]),
    ("json_extract_scalar", "SELECT json_extract_scalar(metadata, '$.design.arms') FROM lab.datasets", [("2",)]),
    ("regexp_like", "SELECT dataset_id FROM geo.datasets WHERE regexp_like(dataset_id, '^GSE\\d+$')", [("GSE1",)]),
    ("regexp_replace replaces all", "SELECT regexp_replace('a-b-c', '-', '+')", [("a+b+c",)]),
    ("approx_distinct", "SELECT approx_distinct(dataset_id) FROM geo.samples", [(2,)]),
    ("date_parse",
     "SELECT date_parse('2020-03-04 05:06', '%Y-%m-%d %H:%i') > TIMESTAMP '2020-03-04 05:05:59'", [(True,)]),
    ("date_format", "SELECT date_format(ingested_at, '%Y/%m/%d %H:%i') FROM lab.datasets", [("2026/01/02 03:04",)]),
    ("date_add", "SELECT date_add('month', 2, DATE '2020-01-31') = DATE '2020-03-31'", [(True,)]),
    ("date_diff", "SELECT date_diff('day', DATE '2020-01-01', DATE '2020-03-01')", [(60,)]),
    ("any_match", "SELECT dataset_id FROM geo.datasets WHERE any_match(curated_disease, d -> d LIKE 'Pso%')",
     [("GSE2-GPL570",)]),
    ("all_match and none_match of an empty list",
     "SELECT all_match(curated_drug, d -> d = 'x'), none_match(curated_drug, d -> d = 'x'), "
     "any_match(curated_drug, d -> d = 'x') FROM geo.datasets WHERE dataset_id = 'GSE1'", [(True, True, False)]),
    ("transform within transform",
     "SELECT transform(transform(curated_disease, d -> lower(d)), d -> substr(d, 1, 3)) FROM geo.datasets "
     "WHERE dataset_id = 'GSE1'", [(["bre", "nor"],)]),
    ("reduce", "SELECT reduce(ARRAY[1, 2, 3], (a, b) -> a + b)", [(6,)]),
    ("integer division", "SELECT 7 / 2, 7 / 2.0", [(3, 3.5)]),
    ("sum of integers is an integer", "SELECT sum(n_samples) FROM geo.datasets", [(5,)]),
    ("with", "WITH few AS (SELECT * FROM geo.datasets WHERE n_samples < 3) SELECT dataset_id FROM few", [("GSE1",)]),
    ("recursive with", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n "
     "ORDER BY i", [(1,), (2,), (3,)]),
    ("window", "SELECT dataset_id, row_number() OVER (ORDER BY year) AS place FROM geo.datasets ORDER BY place",
     [("GSE2-GPL570", 1), ("GSE1", 2)]),
    ("one feature over all datasets",
     "SELECT dataset_id, values FROM geo.matrix WHERE feature_id = 'tp53' ORDER BY 1",
     [("GSE1", [1.0, 2.0]), ("GSE2-GPL570", [5.0, 6.0, 7.0])]),
    ("matrix_long",
     "SELECT sample_id, value FROM geo.matrix_long WHERE dataset_id = 'GSE1' AND feature_id = 'egfr' ORDER BY 1",
     [("S1", 3.0), ("S2", None)]),
    ("matrix_long with samples",
     "SELECT avg(value) FROM geo.matrix_long m JOIN geo.samples s USING (dataset_id, sample_id) "
     "WHERE characteristics['tissue'] = 'lung' AND feature_id = 'tp53'", [(4.5,)]),
    ("a dataset's matrix", "SELECT * FROM data_matrices.geo__GSE1 ORDER BY feature_id",
     [("egfr", "egfr", "X", 3.0, None), ("tp53", "tp53", "X", 1.0, 2.0)]),
    ("a dataset's matrix by rid",
     "SELECT S2 FROM data_matrices.geo__GSE1 WHERE LOWER(rid) IN ('tp53', 'nothing')", [(2.0,)]),
    ("a matrix whose dataset has a hyphen",
     'SELECT m.S3 FROM data_matrices."geo__GSE2-GPL570" m WHERE m.feature_id = \'tp53\'', [(7.0,)]),
    ("names in another case", "SELECT COUNT(*) FROM GEO.Datasets", [(2,)]),
    ("a quoted text with a quote", "SELECT dataset_id FROM lab.datasets WHERE title = 'O''Brien''s study'", [("L1",)]),
    ("provenance", "SELECT state FROM geo.provenance WHERE dataset_id = 'GSE1'", [("SUCCESS",)]),
    ("a declared table without rows", "SELECT count(*) FROM lab.provenance", [(0,)]),
    ("fetch first", "SELECT dataset_id FROM geo.datasets ORDER BY 1 FETCH FIRST 1 ROWS ONLY", [("GSE1",)]),
    ("offset before limit, as Trino has it", "SELECT dataset_id FROM geo.datasets ORDER BY 1 OFFSET 1 LIMIT 5",
     [("GSE2-GPL570",)]),
    ("comments and a semicolon", "/* which */ SELECT 1 -- one; only\n;", [(1,)]),
    ("values", "SELECT x FROM (VALUES (1), (2)) AS t(x) ORDER BY x", [(1,), (2,)]),
    ("map functions",
     "SELECT map_keys(characteristics) FROM lab.samples WHERE sample_id = 'S1'", [(["tissue", "age"],)]),
    ("try_cast", "SELECT try_cast(characteristics['age'] AS INTEGER) FROM lab.samples ORDER BY 1", [(41,), (42,)]),
    ("filter on an aggregate",
     "SELECT count(*) FILTER (WHERE curated_is_control) FROM geo.samples", [(3,)]),
    ("search", "SELECT dataset_id, title FROM search('breast cancer') ORDER BY rank",
     [("GSE1", "Study GSE1"), ("L1", "O'Brien's study")]),
    ("search joined",
     "SELECT d.year, s.score FROM search('x') AS s JOIN geo.datasets d ON d.dataset_id = s.dataset_id "
     "AND d.repository = s.repository", [(2020, 3.0)]),
    ("search in a subselect",
     "SELECT dataset_id FROM geo.datasets WHERE dataset_id IN (SELECT search.dataset_id FROM search('é', limit := 5))",
     [("GSE1",)]),
]
# fmt: on


@pytest.mark.parametrize(("sql", "rows"), [case[1:] for case in STATEMENTS], ids=[case[0] for case in STATEMENTS])
def test_statement_gives(engine: SqlEngine, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert [tuple(record.values()) for record in engine.query(sql).to_records()] == rows


def test_parameters_by_position(engine: SqlEngine) -> None:
    sql = "SELECT sample_id FROM geo.samples WHERE dataset_id = ? AND position > ?"
    assert engine.query(sql, ["GSE1", 1]).to_records() == [{"sample_id": "S2"}]


def test_parameters_by_name_and_as_lists(engine: SqlEngine) -> None:
    sql = "SELECT count(*) AS n FROM geo.samples WHERE list_contains($ids, dataset_id) AND position = $place"
    assert engine.query(sql, {"ids": ["GSE1", "GSE2-GPL570"], "place": 1}).to_records() == [{"n": 2}]


def test_parameter_is_never_sql(engine: SqlEngine) -> None:
    answer = engine.query("SELECT ? AS said", ["x'; DROP TABLE geo.datasets; --"])
    assert answer.to_records() == [{"said": "x'; DROP TABLE geo.datasets; --"}]


def test_search_takes_its_text_from_a_parameter(engine: SqlEngine, search_calls: list[object]) -> None:
    sql = (
        "SELECT search.rank FROM search(?, repository := 'geo') JOIN geo.datasets d USING (dataset_id) WHERE d.year > ?"
    )
    assert engine.query(sql, ["psoriasis (skin)", 2000]).to_records() == [{"rank": 1}]
    assert search_calls[-1] == ("psoriasis (skin)", {"repository": "geo"})


def test_show_schemas_and_tables(engine: SqlEngine) -> None:
    assert engine.query("SHOW SCHEMAS").to_records() == [{"repository": "geo"}, {"repository": "lab"}]
    tables = [row["table"] for row in engine.query("SHOW TABLES IN geo").to_records()]
    assert tables == ["datasets", "samples", "features", "matrix", "provenance", "matrix_long"]
    assert {row["repository"] for row in engine.query("show tables;").to_records()} == {"geo", "lab"}


def test_show_matrices(engine: SqlEngine) -> None:
    tables = [row["table"] for row in engine.query("SHOW TABLES IN data_matrices").to_records()]
    assert tables == ["geo__GSE1", "geo__GSE2-GPL570", "lab__L1"]


def test_describe_tells_what_columns_mean(engine: SqlEngine) -> None:
    rows = {row["column"]: row for row in engine.query("DESCRIBE geo.samples").to_records()}
    assert rows["characteristics"]["type"] == "MAP(VARCHAR, VARCHAR)"
    assert rows["characteristics"]["description"] == "What is said of the sample, by name"
    columns = [row["column"] for row in engine.query("SHOW COLUMNS FROM data_matrices.geo__GSE1").to_records()]
    assert columns == ["feature_id", "rid", "layer", "S1", "S2"]


def test_only_visible_repositories_exist(engine: SqlEngine) -> None:
    answer = engine.query("SHOW SCHEMAS", repositories={"lab"})
    assert answer.to_records() == [{"repository": "lab"}]
    found = engine.query("SELECT dataset_id FROM search('x')", repositories={"lab"})
    assert found.to_records() == [{"dataset_id": "L1"}]
