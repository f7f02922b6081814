"""Rows of a lot are in the lake once, whatever happened on the way, and in its change feed too."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from biolake.lake import commit as commit_module
from biolake.lake import lake as lake_module
from biolake.lake.commit import LotWriter
from biolake.lake.errors import LakeUnavailable
from biolake.lake.lake import Lake
from biolake.lake.rows import Origin
from biolake.lake.schemas import REPOSITORY_TABLES
from tests.lake.conftest import MadeRows, made_dataset


def read(lake: Lake, table: str) -> pa.Table:
    return lake.open("lab", table).to_pyarrow_table()


def inserts(lake: Lake, table: str) -> list[tuple[str, str]]:
    feed = pa.table(lake.open("lab", table).load_cdf().read_all()).to_pylist()
    return sorted((row["dataset_id"], row["lot"]) for row in feed if row["_change_type"] == "insert")


def test_all_levels_come_back(lake: Lake, made_rows: MadeRows) -> None:
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1", "d2"]))
    matrix = read(lake, "matrix").sort_by([("dataset_id", "ascending"), ("feature_id", "ascending")]).to_pylist()
    assert [row["values"] for row in matrix] == [[1.0, 2.0], [3.0, 4.0], [5.0, None]] * 2
    samples = read(lake, "samples").sort_by([("dataset_id", "ascending"), ("position", "ascending")]).to_pylist()
    assert dict(samples[0]["characteristics"]) == {"tissue": "liver", "age": "41"}
    assert dict(samples[1]["characteristics"]) == {"age": "7"}
    (first, _) = read(lake, "datasets").sort_by("dataset_id").to_pylist()
    assert (first["n_samples"], first["n_features"], first["n_values"], first["year"]) == (2, 3, 6, 2013)
    assert first["curated_disease"] == ["Melanoma"]
    assert sorted(filter(None, read(lake, "features")["symbol"].to_pylist())) == ["EGFR", "EGFR", "TP53", "TP53"]


def test_a_second_attempt_adds_only_what_the_first_left_out(lake: Lake, made_rows: MadeRows) -> None:
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1"]))
    again = LotWriter(lake, "lab", "lot1")
    assert again.stored() == {"d1"}
    again.commit(made_rows("lot1", ["d1", "d2"]))
    for table in ("datasets", "samples", "matrix"):
        assert (
            len({tuple(sorted(map(str, row.values()))) for row in read(lake, table).to_pylist()})
            == read(lake, table).num_rows
        )
    assert inserts(lake, "datasets") == [("d1", "lot1"), ("d2", "lot1")]


@pytest.mark.parametrize("table", ["matrix", "features", "samples", "datasets"])
@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("error", [CommitFailedError, OSError])
def test_a_commit_whose_answer_is_lost_lands_once(
    lake: Lake, made_rows: MadeRows, table: str, landed: bool, error: type[Exception]
) -> None:
    LotWriter(lake, "lab", "lot0").commit(made_rows("lot0", ["d0"]))
    real, failed = deltalake.write_deltalake, []

    def write(target: DeltaTable, *args: object, **kwargs: object) -> None:
        if target.metadata().name == table and not failed:
            failed.append(table)
            if landed:
                real(target, *args, **kwargs)  # type: ignore[arg-type]
            raise error("the answer was lost")
        real(target, *args, **kwargs)  # type: ignore[arg-type]

    with mock.patch.object(commit_module, "write_deltalake", write):
        LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1", "d0"], value=9.0))
    assert failed == [table]
    assert inserts(lake, "datasets") == [("d0", "lot0"), ("d0", "lot1"), ("d1", "lot1")]
    assert inserts(lake, "samples").count(("d1", "lot1")) == 2
    assert inserts(lake, "matrix").count(("d1", "lot1")) == 3


def test_a_store_that_always_breaks_off_is_told_and_can_be_written_to_again(lake: Lake, made_rows: MadeRows) -> None:
    with (
        mock.patch.object(commit_module, "write_deltalake", side_effect=OSError("Generic S3 error\n  503 Slow Down")),
        mock.patch.object(commit_module.time, "sleep"),
        pytest.raises(LakeUnavailable, match=r"lab/matrix: .*503 Slow Down.* Write again") as caught,
    ):
        LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1"]))
    assert caught.value.transient
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1"]))
    assert inserts(lake, "datasets") == [("d1", "lot1")]


def test_an_update_and_a_removal_are_one_commit_of_the_pointer(lake: Lake, made_rows: MadeRows) -> None:
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1", "d2", "d3", "it's"]))
    before = lake.open("lab", "datasets").version()
    LotWriter(lake, "lab", "lot2").commit(made_rows("lot2", ["d2"], value=5.0, removed=("d3", "it's", "never")))
    table = lake.open("lab", "datasets")
    assert table.version() == before + 1
    assert sorted((r["dataset_id"], r["lot"]) for r in table.to_pyarrow_table().to_pylist()) == [
        ("d1", "lot1"),
        ("d2", "lot2"),
    ]
    LotWriter(lake, "lab", "lot3").commit(made_rows("lot3", [], removed=("d1",)))
    assert read(lake, "datasets")["dataset_id"].to_pylist() == ["d2"]


def test_many_writers_of_one_lot_and_of_others_lose_and_repeat_nothing(tmp_path: Path, made_rows: MadeRows) -> None:
    url = (tmp_path / "lake").as_uri()

    def write(writer: int) -> None:
        lot = f"lot{writer % 3}"
        LotWriter(Lake(url), "lab", lot).commit(made_rows(lot, [f"{lot}-{i}" for i in range(5)]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    lake = Lake(url)
    expected = sorted((f"lot{n}-{i}", f"lot{n}") for n in range(3) for i in range(5))
    assert inserts(lake, "datasets") == expected
    assert read(lake, "samples").num_rows == 30
    assert read(lake, "matrix").num_rows == 45


@pytest.mark.parametrize("fault", [OSError("disk hiccup"), DeltaError("503 Slow Down"), ValueError("bad answer")])
def test_a_table_that_cannot_be_opened_is_never_taken_for_an_absent_one(
    lake: Lake, made_rows: MadeRows, fault: Exception
) -> None:
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", [f"d{i}" for i in range(9)]))
    with (
        mock.patch.object(lake_module, "DeltaTable", side_effect=fault),
        pytest.raises(LakeUnavailable, match="Nothing was written"),
    ):
        LotWriter(lake, "lab", "lot2").commit(made_rows("lot2", ["d9"]))
    LotWriter(lake, "lab", "lot2").commit(made_rows("lot2", ["d9"]))
    assert read(lake, "datasets").num_rows == 10


def test_the_tables_have_their_declared_columns(lake: Lake) -> None:
    for schema in REPOSITORY_TABLES:
        table = lake.open_or_create("lab", schema)
        assert [field.name for field in table.schema().fields] == list(schema.column_names)
        assert table.metadata().description == schema.description


@pytest.mark.parametrize("dies_at", [None, 1, 2, 3])
def test_a_large_matrix_is_written_in_portions_and_resumed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, dies_at: int | None
) -> None:
    monkeypatch.setattr(commit_module, "_PORTION_VALUES", 2)
    dataset = made_dataset(1.0)
    origin = Origin("lab", "d1", "lot1", "s3://b/d1", "v1", "0" * 64)
    real, written = deltalake.write_deltalake, []

    def write(*args: object, **kwargs: object) -> None:
        written.append(1)
        if len(written) == dies_at:
            raise KeyboardInterrupt
        real(*args, **kwargs)  # type: ignore[arg-type]

    with mock.patch.object(commit_module, "write_deltalake", write):
        if dies_at is not None:
            with pytest.raises(KeyboardInterrupt):
                LotWriter(lake, "lab", "lot1").stream_matrix(dataset, origin)
        LotWriter(lake, "lab", "lot1").stream_matrix(dataset, origin)
        LotWriter(lake, "lab", "lot1").stream_matrix(dataset, origin)
    rows = {row["feature_id"]: row["values"] for row in read(lake, "matrix").to_pylist()}
    assert rows == {"g1": [1.0, 2.0], "g2": [3.0, 4.0], "g3": [5.0, None]}
    assert read(lake, "matrix").num_rows == 3


def test_a_removal_leaves_tables_that_the_next_lot_can_read(lake: Lake, made_rows: MadeRows) -> None:
    """Rows of several lots in one file, one of them removed: the file's text columns must stay what they were."""
    LotWriter(lake, "lab", "lot1").commit(made_rows("lot1", ["d1", "d2"]))
    LotWriter(lake, "lab", "lot2").commit(made_rows("lot2", ["d3"]))
    lake.open("lab", "datasets").optimize.compact()
    LotWriter(lake, "lab", "lot3").commit(made_rows("lot3", [], removed=("d2",)))
    again = LotWriter(lake, "lab", "lot2")
    assert again.stored() == {"d3"}
    LotWriter(lake, "lab", "lot4").commit(made_rows("lot4", ["d1"], value=4.0))
    assert sorted(read(lake, "datasets")["lot"].to_pylist()) == ["lot2", "lot4"]
