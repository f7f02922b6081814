"""`reconcile` finds every kind of difference between bucket, ledger, lake and index, and `--repair` ends it."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from sqlalchemy import delete, update

from biolake.lake.maintain import maintain
from biolake.ledger.jobs import end_jobs
from biolake.ledger.models import JobState
from biolake.ledger.tables import CURRENT_DATASETS, JOBS, OBJECTS
from biolake.search.models import SearchDocument
from tests.platform.conftest import Deployment, made_deployment, matrix_csv

NAMES = ("D1", "D2", "D3")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with three datasets, of which one was updated and of which a fourth was deleted."""
    home = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch, made_deployment(home, patch) as deployment:
        for name in (*NAMES, "D4"):
            deployment.put(f"lab/{name}.csv", matrix_csv())
        deployment.drive()
        deployment.put("lab/D3.csv", matrix_csv(9))
        deployment.remove("lab/D4.csv")
        deployment.drive()
        assert deployment.reconciled().differences == ()
    return home


@pytest.fixture
def stocked(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A copy of the template. The uploads are links: a file's identity is part of its version."""
    home = tmp_path / "home"
    shutil.copytree(template, home, ignore=shutil.ignore_patterns("landing"))
    shutil.copytree(template / "landing", home / "landing", copy_function=os.link)
    with made_deployment(home, monkeypatch) as deployment:
        assert deployment.reconciled(rows=False).differences == ()
        yield deployment


def table(deployment: Deployment, name: str) -> DeltaTable:
    return deployment.platform.lake.open("lab", name)


def lose_rows(name: str) -> Callable[[Deployment], None]:
    def lose(deployment: Deployment) -> None:
        found = table(deployment, name)
        nothing = found.to_pyarrow_table().slice(0, 0)
        write_deltalake(found, nothing, mode="overwrite", predicate="dataset_id = 'D2'")

    return lose


def double_rows(name: str) -> Callable[[Deployment], None]:
    def double(deployment: Deployment) -> None:
        rows = table(deployment, name).to_pyarrow_table()
        mine = rows.filter(pc.equal(rows["dataset_id"], "D2"))
        write_deltalake(table(deployment, name), mine, mode="append")

    return double


def an_older_version_beside(deployment: Deployment) -> None:
    rows = table(deployment, "datasets").to_pyarrow_table()
    mine = rows.filter(pc.equal(rows["dataset_id"], "D2"))
    old = mine.set_column(mine.column_names.index("lot"), "lot", pa.array(["20200101T000000Z-0123456789"]))
    write_deltalake(table(deployment, "datasets"), old, mode="append")


def a_ghost_in_the_lake(deployment: Deployment) -> None:
    rows = table(deployment, "datasets").to_pyarrow_table()
    mine = rows.filter(pc.equal(rows["dataset_id"], "D2"))
    ghost = mine.set_column(mine.column_names.index("dataset_id"), "dataset_id", pa.array(["GHOST"]))
    write_deltalake(table(deployment, "datasets"), ghost, mode="append")


def a_ghost_in_the_index(deployment: Deployment) -> None:
    now = datetime.now(UTC)
    ghost = SearchDocument(
        repository="lab", dataset_id="GHOST", lot="x", source_version="x", version=1, ingested_at=now
    )
    deployment.platform.index.upsert([ghost])


def missing_in_the_index(deployment: Deployment) -> None:
    deployment.platform.index.delete("lab", ["D2"])


def old_in_the_index(deployment: Deployment) -> None:
    found = deployment.platform.index.get("lab", "D2")
    assert found is not None
    deployment.platform.index.delete("lab", ["D2"])
    deployment.platform.index.upsert([found.model_copy(update={"lot": "older"})])


def lose_from_ledger(*tables: object) -> Callable[[Deployment], None]:
    def lose(deployment: Deployment) -> None:
        with deployment.platform.ledger.writing() as connection:
            for one in tables:
                connection.execute(delete(one).where(one.c.dataset_id == "D2"))  # type: ignore[attr-defined, arg-type]

    return lose


def point_at_another_lot(deployment: Deployment) -> None:
    with deployment.platform.ledger.writing() as connection:
        mine = CURRENT_DATASETS.c.dataset_id == "D2"
        connection.execute(update(CURRENT_DATASETS).where(mine).values(lot="20200101T000000Z-0123456789"))


def unseen_deletion(deployment: Deployment) -> None:
    deployment.remove("lab/D2.csv")


def unseen_update(deployment: Deployment) -> None:
    deployment.put("lab/D2.csv", matrix_csv(77))


def unseen_upload(deployment: Deployment) -> None:
    deployment.put("lab/D9.csv", matrix_csv(77))


def forgotten_everywhere_but_in_the_bucket(deployment: Deployment) -> None:
    lose_rows("datasets")(deployment)
    missing_in_the_index(deployment)
    lose_from_ledger(CURRENT_DATASETS, JOBS)(deployment)


def called_off_and_never_asked_again(deployment: Deployment) -> None:
    lose_rows("datasets")(deployment)
    missing_in_the_index(deployment)
    lose_from_ledger(CURRENT_DATASETS)(deployment)
    with deployment.platform.ledger.writing() as connection:
        connection.execute(
            update(JOBS).where(JOBS.c.dataset_id == "D2").values(state=JobState.CANCELLED.value, reason="lost")
        )


def bucket_lost_but_noticed(deployment: Deployment) -> None:
    """The ledger knows that the object is gone, and its deletion was lost."""
    deployment.remove("lab/D2.csv")
    with deployment.platform.ledger.writing() as connection:
        connection.execute(update(OBJECTS).where(OBJECTS.c.dataset_id == "D2").values(deleted=True))


def gone_but_only_the_lake_knows(deployment: Deployment) -> None:
    bucket_lost_but_noticed(deployment)
    lose_from_ledger(CURRENT_DATASETS)(deployment)


PLANTED: dict[str, Callable[[Deployment], None]] = {
    "a dataset is missing in the lake": lose_rows("datasets"),
    "its samples are missing": lose_rows("samples"),
    "its features are missing": lose_rows("features"),
    "its values are missing": lose_rows("matrix"),
    "its samples are there twice": double_rows("samples"),
    "its values are there twice": double_rows("matrix"),
    "an older version is shown beside it": an_older_version_beside,
    "a dataset that nobody uploaded is in the lake": a_ghost_in_the_lake,
    "a ghost is in the index": a_ghost_in_the_index,
    "it is missing in the index": missing_in_the_index,
    "the index has an older version": old_in_the_index,
    "the ledger does not know that it is shown": lose_from_ledger(CURRENT_DATASETS),
    "the ledger believes another version": point_at_another_lot,
    "the ledger lost its object": lose_from_ledger(OBJECTS),
    "the ledger lost all of it": lose_from_ledger(OBJECTS, CURRENT_DATASETS, JOBS),
    "a deletion was not seen": unseen_deletion,
    "an update was not seen": unseen_update,
    "an upload was not seen": unseen_upload,
    "only the bucket and the list of objects know it": forgotten_everywhere_but_in_the_bucket,
    "its job was called off and never asked for again": called_off_and_never_asked_again,
    "its deletion was lost": bucket_lost_but_noticed,
    "it is gone and only the lake and the index know it": gone_but_only_the_lake_knows,
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_difference_is_found_and_repaired(stocked: Deployment, planted: str) -> None:
    PLANTED[planted](stocked)
    found = stocked.reconciled()
    assert not found.agrees
    unseen = {"an upload was not seen": {"lab/D9.csv"}}.get(planted, {"D2", "GHOST", "lab/D2.csv"})
    assert {difference.name for difference in found.differences} <= unseen
    after = stocked.repaired()
    assert after.differences == ()
    gone = {"a deletion was not seen", "its deletion was lost", "it is gone and only the lake and the index know it"}
    expected = set(NAMES) - ({"D2"} if planted in gone else set())
    expected |= {"D9"} if planted == "an upload was not seen" else set()
    assert set(stocked.shown()) == expected == set(stocked.platform.index.versions("lab"))
    if "D2" in expected:
        assert stocked.values("D2")[0] == ([77, 78] if planted == "an update was not seen" else [1, 2])


def test_many_differences_at_once_are_repaired_together(stocked: Deployment) -> None:
    for planted in random.Random(4).sample(sorted(PLANTED), 6):
        PLANTED[planted](stocked)
    assert not stocked.reconciled().agrees
    assert stocked.repaired().agrees


def test_what_has_just_failed_is_told_and_is_no_difference(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", "gene,s1,s1\ng1,1,2\n")
    deployment.drive()
    found = deployment.reconciled()
    assert (found.agrees, found.errored) == (True, ("D1",))


def test_a_newest_version_that_failed_is_told_while_the_older_one_is_shown(stocked: Deployment) -> None:
    stocked.put("lab/D2.csv", "gene,s1,s1\ng1,1,2\n")
    stocked.drive()
    found = stocked.reconciled()
    assert (found.agrees, found.errored) == (True, ("D2 (shown in an older version)",))


def test_a_change_that_was_inserted_twice_is_found(stocked: Deployment) -> None:
    rows = table(stocked, "datasets").to_pyarrow_table()
    mine = rows.filter(pc.equal(rows["dataset_id"], "D2"))
    write_deltalake(table(stocked, "datasets"), mine, mode="append")
    problems = [difference.problem for difference in stocked.reconciled().differences]
    assert any("change feed inserts" in problem for problem in problems)
    assert any("datasets has 2 rows" in problem for problem in problems)


def test_the_stores_still_agree_after_upkeep(stocked: Deployment) -> None:
    report = maintain(stocked.platform.lake, "lab", grace=timedelta(days=-1), retention_hours=0)
    assert sum(report.files_vacuumed.values()) > 0
    assert report.rows_removed["matrix"] == 6
    assert stocked.reconciled().differences == ()
    assert stocked.values("D3")[0] == [9, 10]


def test_jobs_in_work_are_left_out_of_the_comparison(deployment: Deployment) -> None:
    deployment.put("paired/A.csv", matrix_csv())
    deployment.drive("paired")
    found = deployment.reconciled("paired")
    assert (found.agrees, found.in_work) == (True, 1)
    with deployment.platform.ledger.writing() as connection:
        ids = [(job.id, JobState.ERRORED, "MISSING_PAIR: it", None) for job in deployment.jobs(repository="paired")]
        end_jobs(connection, ids, deployment.jobs(repository="paired")[0].created_at)
    assert deployment.reconciled("paired").agrees
