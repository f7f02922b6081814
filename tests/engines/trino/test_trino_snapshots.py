"""What readers on Trino see while datasets come, change and go: one version of all levels, always the newest."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from biolake.sql.models import SqlEngine
from tests.sql.made_lake import MadeLake
from tests.sql.test_snapshots import (  # noqa: F401
    counts_of_datasets,
    test_column_added_later_is_null_before,
    test_delete_is_seen_by_the_next_statement,
    test_many_threads_share_an_engine,
    test_no_statement_sees_two_versions,
    test_other_tables_of_the_lake_are_shown_as_they_are,
    test_repository_that_appears_is_seen,
    test_rows_show_with_their_datasets_row_and_not_before,
    test_update_replaces_all_levels_at_once,
)

pytestmark = pytest.mark.trino


def test_compaction_does_not_disturb(own_lake: MadeLake, open_on: Callable[..., SqlEngine]) -> None:
    engine = open_on(own_lake)
    sql = "SELECT sample_id, value FROM geo.matrix_long WHERE dataset_id = 'GSE1' AND feature_id = 'tp53' ORDER BY 1"
    before = engine.query(sql).to_records()
    for table in ("datasets", "samples", "features", "matrix"):
        opened = DeltaTable(own_lake.path("geo", table))
        opened.optimize.compact()
        opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert engine.query(sql).to_records() == before


def test_partitioned_table_is_read(own_lake: MadeLake, open_on: Callable[..., SqlEngine]) -> None:
    write_deltalake(own_lake.path("s", "windows"), pa.table({"day": ["a", "b"], "x": [1, 2]}), partition_by=["day"])
    answer = open_on(own_lake).query("SELECT day, x FROM s.windows ORDER BY day")
    assert answer.to_records() == [{"day": "a", "x": 1}, {"day": "b", "x": 2}]


def test_names_that_differ_in_case_or_signs_are_different_repositories(
    own_lake: MadeLake, open_on: Callable[..., SqlEngine]
) -> None:
    for place, repository in enumerate(("Sleep-a", "sleep-a", "sleep.a")):
        write_deltalake(own_lake.path(repository, "Steps.v1"), pa.table({"n": [place]}))
    engine = open_on(own_lake)
    for place, repository in enumerate(("Sleep-a", "sleep-a", "sleep.a")):
        assert engine.query(f'SELECT n FROM "{repository}"."Steps.v1"').to_records() == [{"n": place}]
