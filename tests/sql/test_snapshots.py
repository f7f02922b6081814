"""What readers see while datasets come, change and go: always one version of all levels, always the newest."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from biolake.lake.schemas import SAMPLES
from biolake.sql import errors
from biolake.sql.models import SqlEngine
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import MadeLake

OpenOn = Callable[..., SqlEngine]
LEVELS = ("datasets", "samples", "features", "matrix", "matrix_long")


def counts(engine: SqlEngine, dataset_id: str) -> dict[str, int]:
    return {
        table: engine.query(f"SELECT count(*) AS n FROM geo.{table} WHERE dataset_id = ?", [dataset_id]).to_records()[
            0
        ]["n"]
        for table in LEVELS
    }


def test_rows_show_with_their_datasets_row_and_not_before(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    assert set(counts(engine, "GSE3").values()) == {0}
    own_lake.levels("geo", "GSE3", "lot2", {"tp53": [1.0, 1.5]})
    assert set(counts(engine, "GSE3").values()) == {0}
    own_lake.show("geo", "GSE3", "lot2")
    assert counts(engine, "GSE3") == {"datasets": 1, "samples": 2, "features": 1, "matrix": 1, "matrix_long": 2}


def test_update_replaces_all_levels_at_once(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    own_lake.levels("geo", "GSE1", "lot2", {"brca1": [10.0, 11.0, 12.0]}, samples=["A", "B", "C"])
    assert counts(engine, "GSE1")["samples"] == 2
    own_lake.show("geo", "GSE1", "lot2", n_samples=3)
    assert counts(engine, "GSE1") == {"datasets": 1, "samples": 3, "features": 1, "matrix": 1, "matrix_long": 3}
    matrix = engine.query("SELECT * FROM data_matrices.geo__GSE1")
    assert [c.name for c in matrix.columns] == ["feature_id", "rid", "layer", "A", "B", "C"]
    assert matrix.to_records()[0]["C"] == 12.0


def test_delete_is_seen_by_the_next_statement(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    assert counts(engine, "GSE1")["matrix"] == 2
    assert engine.query("SELECT * FROM data_matrices.geo__GSE1").rows == 2
    own_lake.hide("geo", "GSE1")
    assert set(counts(engine, "GSE1").values()) == {0}
    with pytest.raises(errors.UnknownTable, match="geo has no dataset GSE1"):
        engine.query("SELECT * FROM data_matrices.geo__GSE1")
    assert counts(engine, "GSE2-GPL570")["samples"] == 3


def test_no_statement_sees_two_versions(own_lake: MadeLake, open_on: OpenOn) -> None:
    """While a dataset goes through versions, each answer is of one version at every level."""
    engine, seen, failures = open_on(own_lake), set(), []
    engine.query("SELECT 1")
    done, answered = threading.Event(), threading.Semaphore(0)

    def read() -> None:
        while not done.is_set():
            record = engine.query(
                "SELECT (SELECT max(n_samples) FROM geo.datasets WHERE dataset_id = 'GSE1') AS told, "
                "(SELECT count(*) FROM geo.samples WHERE dataset_id = 'GSE1') AS samples, "
                "(SELECT max(len(values)) FROM geo.matrix WHERE dataset_id = 'GSE1') AS width"
            ).to_records()[0]
            seen.add(tuple(record.values()))
            answered.release()
            if len(set(record.values())) != 1:
                failures.append(record)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for width in (3, 4, 5, 6):
            own_lake.levels("geo", "GSE1", f"lot{width}", {"tp53": [float(width)] * width})
            assert answered.acquire(timeout=20)
            own_lake.show("geo", "GSE1", f"lot{width}", n_samples=width)
    finally:
        done.set()
        reader.join()
    assert not failures
    assert len(seen) > 1


def test_compaction_and_vacuum_do_not_disturb(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    before = counts(engine, "GSE1")
    for table in ("datasets", "samples", "features", "matrix"):
        opened = DeltaTable(own_lake.path("geo", table))
        opened.optimize.compact()
        opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert counts(engine, "GSE1") == before


def test_file_that_vanishes_without_a_commit_is_an_error(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    for file in Path(own_lake.path("geo", "samples")).glob("*.parquet"):
        file.unlink()
    with pytest.raises(errors.LakeFileMissing):
        engine.query("SELECT count(*) FROM geo.samples")
    assert counts_of_datasets(engine) == 2


def test_table_made_anew_is_read_anew(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    assert counts_of_datasets(engine) == 2
    shutil.rmtree(own_lake.path("geo", "datasets"))
    own_lake.show("geo", "GSE1", "lot1")
    assert counts_of_datasets(engine) == 1


def test_repository_that_appears_is_seen(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    with pytest.raises(errors.UnknownTable):
        engine.query("SELECT * FROM fresh.datasets")
    own_lake.show("fresh", "F1", "lot1")
    assert engine.query("SELECT dataset_id FROM fresh.datasets").to_records() == [{"dataset_id": "F1"}]
    assert engine.query("SELECT * FROM fresh.samples").rows == 0
    assert engine.query("SELECT * FROM fresh.matrix_long").rows == 0


def test_column_added_later_is_null_before(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake)
    assert counts(engine, "GSE1")["samples"] == 2
    own_lake.levels("geo", "GSE4", "lot3", {"tp53": [1.0]})
    added = pa.Table.from_pylist(
        [{"dataset_id": "GSE4", "lot": "lot3", "sample_id": "extra", "position": 2, "source_version": "v"}],
        SAMPLES.arrow,
    ).append_column("batch", pa.array(["b7"]))
    write_deltalake(own_lake.path("geo", "samples"), added, mode="append", schema_mode="merge")
    own_lake.show("geo", "GSE4", "lot3")
    answer = engine.query("SELECT sample_id, batch FROM geo.samples WHERE dataset_id IN ('GSE1', 'GSE4') ORDER BY 1")
    assert [tuple(row.values()) for row in answer.to_records()] == [
        ("S1", None),
        ("S1", None),
        ("S2", None),
        ("extra", "b7"),
    ]


def test_other_tables_of_the_lake_are_shown_as_they_are(own_lake: MadeLake, open_on: OpenOn) -> None:
    rows = pa.table({"participant": ["p1", "p2"], "steps": [1000, 2000]})
    write_deltalake(own_lake.path("sleep-study", "biomarkers"), rows)
    engine = open_on(own_lake)
    assert engine.query('SELECT sum(steps) AS n FROM "sleep-study".biomarkers').to_records() == [{"n": 3000}]
    assert engine.query('SHOW TABLES IN "sleep-study"').to_records()[0]["table"] == "biomarkers"


def test_partitioned_table_is_refused_by_name(own_lake: MadeLake, open_on: OpenOn) -> None:
    write_deltalake(own_lake.path("s", "windows"), pa.table({"day": ["a"], "x": [1]}), partition_by=["day"])
    with pytest.raises(errors.UnsupportedTable, match=r"s\.windows uses partition columns"):
        open_on(own_lake).query("SELECT * FROM s.windows")


def test_many_threads_share_an_engine(own_lake: MadeLake, open_on: OpenOn) -> None:
    engine = open_on(own_lake, replace(LIMITS, processes=2))
    answers: list[object] = []

    def ask(number: int) -> None:
        answers.append(engine.query("SELECT ? AS n, count(*) AS c FROM geo.datasets", [number]).to_records()[0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == sorted([{"n": number, "c": 2} for number in range(12)], key=str)


def counts_of_datasets(engine: SqlEngine) -> int:
    return engine.query("SELECT count(*) AS n FROM geo.datasets").to_records()[0]["n"]
