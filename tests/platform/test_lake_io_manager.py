"""Frames kept by assets: a table that could not be opened is never taken for an absent one and overwritten."""

from pathlib import Path
from unittest import mock

import dagster as dg
import polars as pl
import pytest
from deltalake.exceptions import DeltaError

from biolake.lake import lake as lake_module
from biolake.lake.lake import Lake
from biolake.settings import Settings
from resources.lake_io_manager import LakeIOManager


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    return Lake(Settings.from_environment().lake)


@dg.asset(key=["lab", "measurements"], io_manager_key="lake")
def measurements(context: dg.AssetExecutionContext) -> pl.DataFrame:
    rows = 9_000 if not context.run.tags.get("small") else 1_000
    return pl.DataFrame({"n": range(rows)})


days = dg.StaticPartitionsDefinition(["monday", "tuesday", "it's wednesday"])


@dg.asset(
    key=["lab", "readings"],
    partitions_def=days,
    metadata={"partition_column": "day"},
    io_manager_key="lake",
)
def readings(context: dg.AssetExecutionContext) -> pl.DataFrame:
    rows = int(context.run.tags.get("rows", "3"))
    frame = pl.DataFrame({"day": [context.partition_key] * rows, "n": range(rows)})
    return frame.with_columns(extra=pl.lit("new")) if context.run.tags.get("extra") else frame


@dg.asset(key=["lab", "summed"], partitions_def=days, io_manager_key="memory")
def summed(readings: pl.DataFrame) -> int:
    return int(readings["n"].sum())


def materialize(asset: dg.AssetsDefinition, **options: object) -> dg.ExecuteInProcessResult:
    resources = {"lake": LakeIOManager(), "memory": dg.mem_io_manager}
    return dg.materialize([asset], resources=resources, raise_on_error=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", [OSError("disk hiccup"), DeltaError("503 Slow Down")])
def test_a_table_that_cannot_be_opened_once_keeps_all_of_its_rows(lake: Lake, fault: Exception) -> None:
    assert materialize(measurements).success
    assert lake.open("lab", "measurements").to_pyarrow_table().num_rows == 9_000
    with mock.patch.object(lake_module, "DeltaTable", side_effect=fault):
        failed = materialize(measurements, tags={"small": "yes"})
    assert not failed.success
    assert lake.open("lab", "measurements").to_pyarrow_table().num_rows == 9_000


def test_a_partition_replaces_its_own_rows_only(lake: Lake) -> None:
    for day in days.get_partition_keys():
        assert materialize(readings, partition_key=day).success
    assert materialize(readings, partition_key="it's wednesday", tags={"rows": "5"}).success
    frame = pl.DataFrame(lake.open("lab", "readings").to_pyarrow_table())
    assert dict(frame.group_by("day").len().iter_rows()) == {"monday": 3, "tuesday": 3, "it's wednesday": 5}


def test_a_new_column_is_added_and_the_rows_before_have_none(lake: Lake) -> None:
    materialize(readings, partition_key="monday")
    materialize(readings, partition_key="tuesday", tags={"extra": "yes"})
    frame = pl.DataFrame(lake.open("lab", "readings").to_pyarrow_table()).sort("day", "n")
    assert frame["extra"].to_list() == [None] * 3 + ["new"] * 3


def test_an_asset_reads_the_partition_it_asks_for(lake: Lake) -> None:
    for day, rows in (("monday", "3"), ("tuesday", "5")):
        materialize(readings, partition_key=day, tags={"rows": rows})
    result = dg.materialize(
        [readings.to_source_asset(), summed],
        resources={"lake": LakeIOManager(), "memory": dg.mem_io_manager},
        partition_key="tuesday",
    )
    assert result.output_for_node("lab__summed") == 10


def test_a_partitioned_asset_must_name_its_column(lake: Lake) -> None:
    @dg.asset(key=["lab", "nameless"], partitions_def=days, io_manager_key="lake")
    def nameless() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    result = materialize(nameless, partition_key="monday")
    assert not result.success
    assert lake.find("lab", "nameless") is None
