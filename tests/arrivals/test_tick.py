"""What one tick of the arrival sensor makes of a folder: jobs, waits, refusals, lots."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from biolake.arrivals.errors import EmptyListing, ManifestChanged
from biolake.arrivals.manifest import read_manifest
from biolake.arrivals.recovery import MOST_FAILURES, MOST_RUNS, give_another_run
from biolake.arrivals.reprocess import reprocess
from biolake.ledger.current import set_current
from biolake.ledger.jobs import end_jobs
from biolake.ledger.lots import all_lots, finish_lot_if_ended, get_lot, open_lots
from biolake.ledger.models import Action, CurrentDataset, JobState, Lot
from biolake.ledger.objects import ignored_objects, last_listing
from tests.arrivals.conftest import Scene


def end(scene: Scene, lot: Lot, state: JobState = JobState.SUCCESS) -> None:
    """Play the run of a lot."""
    manifest = read_manifest(lot, scene.bucket)
    with scene.ledger.writing() as connection:
        for entry in manifest.entries:
            job = next(job for job in scene.jobs(entry.dataset_id) if job.id == entry.job_id)
            if state == JobState.SUCCESS and entry.action != Action.DELETE:
                shown = CurrentDataset(
                    "lab", entry.dataset_id, job.data_key, job.source_version, "0", lot.key, scene.now
                )
                set_current(connection, [shown])
            end_jobs(connection, [(entry.job_id, state, None, None)], scene.now)
        finish_lot_if_ended(connection, lot.key)


def looked(scene: Scene) -> tuple[Lot, ...]:
    scene.pass_time(5)
    return scene.tick().lots


def test_a_file_that_still_grows_waits(scene: Scene) -> None:
    scene.put("a.csv", size=1)
    assert scene.tick().lots == ()
    scene.pass_time(1.5)
    scene.put("a.csv", size=2)
    scene.pass_time(1.5)
    told = scene.tick()
    assert (told.jobs, told.observation.unsettled) == (0, 1)
    (lot,) = looked(scene)
    assert lot.size == 2


def test_a_file_from_the_future_is_read_when_it_stays_the_same(scene: Scene) -> None:
    scene.now += timedelta(days=2)
    scene.put("a.csv", size=1)
    scene.now -= timedelta(days=2)
    assert scene.tick().observation.unsettled == 1
    scene.pass_time(1.5)
    scene.now += timedelta(days=2)
    scene.put("a.csv", size=2)
    scene.now -= timedelta(days=2)
    assert scene.tick().observation.unsettled == 1
    scene.pass_time(1.5)
    assert scene.tick().observation.unsettled == 1
    (lot,) = looked(scene)
    assert lot.size == 2
    again = scene.tick()
    assert (again.jobs, again.observation.unsettled) == (0, 0)


def test_a_look_takes_no_more_than_it_can_and_the_rest_comes_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biolake.arrivals.tick.MOST_CHANGES", 3)
    for number in range(5):
        scene.put(f"d{number}.csv")
        scene.pass_time(1)
    scene.pass_time(5)
    first = scene.tick()
    assert (first.jobs, first.observation.left, first.observation.unsettled) == (3, 2, 0)
    assert {job.dataset_id for job in scene.jobs()} == {"d0", "d1", "d2"}
    second = scene.tick()
    assert (second.jobs, second.observation.left) == (2, 0)
    assert scene.tick().jobs == 0


def test_looking_again_asks_for_nothing_new(scene: Scene) -> None:
    scene.put("a.csv")
    (lot,) = looked(scene)
    again = scene.tick()
    assert (again.jobs, again.lots) == (0, (lot,))
    assert len(scene.jobs()) == 1


def test_lots_are_cut_by_count(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene()
    for number in range(7):
        scene.put(f"d{number}.csv")
    scene.pass_time(5)
    told = scene.tick(lot_datasets=3, active_lots=9)
    assert sorted(lot.n_jobs for lot in told.lots) == [1, 3, 3]


def test_lots_are_cut_by_bytes_and_one_large_dataset_is_a_lot(scene: Scene) -> None:
    for number, size in enumerate([40, 40, 40, 500]):
        scene.put(f"d{number}.csv", size=size)
    scene.pass_time(5)
    told = scene.tick(lot_bytes=100, active_lots=9)
    assert sorted(lot.size for lot in told.lots) in ([40, 80, 500], [40, 40, 40, 500])
    assert all(lot.size <= 100 or lot.n_jobs == 1 for lot in told.lots)


def test_a_lot_that_may_fill_waits_no_longer_than_told(scene: Scene) -> None:
    scene.put("a.csv")
    scene.pass_time(5)
    assert scene.tick(lot_wait_seconds=60).lots == ()
    scene.pass_time(50)
    assert scene.tick(lot_wait_seconds=60).lots == ()
    scene.pass_time(11)
    assert len(scene.tick(lot_wait_seconds=60).lots) == 1


def test_no_more_lots_at_once_than_allowed(scene: Scene) -> None:
    for number in range(5):
        scene.put(f"d{number}.csv")
    scene.pass_time(5)
    first = scene.tick(lot_datasets=1, active_lots=2).lots
    assert len(first) == 2
    assert scene.tick(lot_datasets=1, active_lots=2).lots == first
    end(scene, first[0])
    then = scene.tick(lot_datasets=1, active_lots=2).lots
    assert len(then) == 2
    assert first[0] not in then


def test_urgent_datasets_go_first(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(priority="low")
    scene.put("slow.csv")
    scene.pass_time(5)
    assert scene.tick(lot_wait_seconds=999).lots == ()
    scene.repository = scene.repository.model_copy(update={"priority": "high"})
    scene.put("urgent.csv")
    scene.pass_time(5)
    (lot,) = scene.tick(active_lots=1, lot_datasets=1).lots
    assert [entry.dataset_id for entry in read_manifest(lot, scene.bucket).entries] == ["urgent"]


def test_later_lots_have_later_times_even_where_the_clock_goes_back(scene: Scene) -> None:
    """The time of a lot is the version of its documents in the index: a later lot must not look older."""
    scene.put("a.csv")
    (first,) = looked(scene)
    end(scene, first)
    reprocess(scene.ledger, scene.repository, ["a"])
    scene.now -= timedelta(minutes=10)
    (second,) = scene.tick(lot_datasets=1).lots
    assert second.created_at > first.created_at
    assert second.key > first.key


def test_an_update_waits_until_the_lot_before_it_is_done(scene: Scene) -> None:
    scene.put("a.csv")
    (first,) = looked(scene)
    scene.put("a.csv")
    assert looked(scene) == (first,)
    scene.put("a.csv")
    assert looked(scene) == (first,)
    assert scene.states("a") == [JobState.IN_QUEUE, JobState.CANCELLED, JobState.IN_QUEUE]
    end(scene, first)
    (second,) = looked(scene)
    assert [entry.action for entry in read_manifest(second, scene.bucket).entries] == [Action.UPDATE]


def test_an_empty_listing_is_an_outage_until_someone_says_otherwise(scene: Scene) -> None:
    scene.put("a.csv")
    end(scene, *looked(scene))
    scene.bucket.objects.clear()
    for _ in range(2):
        with pytest.raises(EmptyListing, match="held 1"):
            scene.tick()
    assert [job.action for job in scene.jobs()] == [Action.UPLOAD]
    with scene.ledger.reading() as connection:
        listing = last_listing(connection, "lab")
    assert listing is not None
    assert "Nothing was deleted" in (listing.outage or "")
    scene.put("a.csv")
    scene.pass_time(5)
    scene.tick()
    with scene.ledger.reading() as connection:
        listing = last_listing(connection, "lab")
    assert listing is not None
    assert listing.outage is None


def test_data_waits_for_its_metadata_and_the_reverse(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(requires=["metadata"])
    scene.put("a.csv")
    scene.put("b.json")
    assert looked(scene) == ()
    assert {job.dataset_id: job.reason for job in scene.jobs()} == {
        "a": "waits for the metadata document",
        "b": "waits for the data file",
    }
    scene.put("a.json")
    scene.put("b.csv")
    (lot,) = looked(scene)
    entries = read_manifest(lot, scene.bucket).entries
    assert {entry.dataset_id: sorted(part.role for part in entry.parts) for entry in entries} == {
        "a": ["data", "metadata"],
        "b": ["data", "metadata"],
    }
    assert scene.states("a") == [JobState.CANCELLED, JobState.IN_QUEUE]


def test_a_wait_ends_and_what_comes_later_is_still_taken(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(requires=["metadata"])
    scene.put("a.csv")
    looked(scene)
    scene.pass_time(3600)
    scene.tick(pair_hours=0.5)
    (job,) = scene.jobs("a")
    assert job.state == JobState.ERRORED
    assert (job.reason or "").startswith("MISSING_PAIR: a: waits for the metadata document")
    assert "the rest need not be uploaded again" in (job.reason or "")
    scene.put("a.json")
    (lot,) = looked(scene)
    assert lot.n_jobs == 1


def test_of_two_files_with_one_id_the_first_is_kept_and_the_other_named(scene: Scene) -> None:
    scene.put("a.csv")
    end(scene, *looked(scene))
    scene.put("a.gct")
    assert looked(scene) == ()
    refused = scene.jobs("a")[-1]
    assert refused.state == JobState.ERRORED
    assert "lab/a.gct has the id of lab/a.csv" in (refused.reason or "")
    assert "nothing needs to be uploaded again" in (refused.reason or "")
    scene.remove("a.csv")
    (lot,) = looked(scene)
    (entry,) = read_manifest(lot, scene.bucket).entries
    assert (entry.action, entry.parts[0].version.key) == (Action.UPDATE, "lab/a.gct")


def test_reprocessing_reads_the_file_that_owns_the_id_not_the_refused_one(scene: Scene) -> None:
    scene.put("a.csv")
    scene.put("b.csv")
    end(scene, *looked(scene))
    scene.put("a.gct")
    looked(scene)
    (job,) = reprocess(scene.ledger, scene.repository, ["a"])
    assert [part.version.key for part in job.parts] == ["lab/a.csv"]
    assert [job.dataset_id for job in reprocess(scene.ledger, scene.repository)] == ["b"], "a has a job already"


def test_a_folder_of_three_files_is_one_dataset_when_all_are_there(scene: Scene) -> None:
    scene.put("a/matrix.mtx.gz")
    scene.put("a/barcodes.tsv.gz")
    assert looked(scene) == ()
    assert [job.reason for job in scene.jobs("a")] == ["waits for the features file"]
    scene.put("a/features.tsv.gz")
    (lot,) = looked(scene)
    (entry,) = read_manifest(lot, scene.bucket).entries
    assert sorted(part.role for part in entry.parts) == ["barcodes", "features", "matrix"]


def test_files_that_are_no_dataset_are_told_and_harm_nobody(scene: Scene) -> None:
    scene.put("a.csv")
    scene.put(".hidden.csv")
    scene.put("not an id!.csv")
    assert [lot.n_jobs for lot in looked(scene)] == [1]
    with scene.ledger.reading() as connection:
        ignored = dict(ignored_objects(connection, "lab"))
    assert set(ignored) == {"lab/.hidden.csv", "lab/not an id!.csv"}
    assert "id rule" in ignored["lab/not an id!.csv"]


def test_bytes_that_come_back_while_their_job_is_cancelled_are_not_lost(scene: Scene) -> None:
    """The bucket gives equal bytes equal etags: between two listings nothing seems to have happened."""
    scene.put("a.csv", "x")
    scene.put("b.csv", "x")
    (lot,) = looked(scene)
    end(scene, lot, JobState.CANCELLED)
    (again,) = looked(scene)
    assert again.n_jobs == 2
    end(scene, again)
    assert looked(scene) == ()


def test_a_deletion_that_was_called_off_too_early_is_asked_for_again(scene: Scene) -> None:
    """An object came back when the deletion looked, and went again before it ended."""
    scene.put("a.csv", "x")
    scene.put("b.csv", "x")
    end(scene, *looked(scene))
    scene.remove("a.csv")
    (deletion,) = looked(scene)
    scene.put("a.csv", "x")
    looked(scene)
    scene.remove("a.csv")
    looked(scene)
    end(scene, deletion, JobState.CANCELLED)
    (again,) = looked(scene)
    assert [entry.action for entry in read_manifest(again, scene.bucket).entries] == [Action.DELETE]


def test_a_changed_manifest_is_refused(scene: Scene) -> None:
    scene.put("a.csv")
    (lot,) = looked(scene)
    (key,) = scene.bucket.manifests
    scene.bucket.manifests[key] += b" "
    with pytest.raises(ManifestChanged, match="reprocess"):
        read_manifest(lot, scene.bucket)


def test_a_lot_gets_another_run_until_enough_failed(scene: Scene) -> None:
    scene.put("a.csv")
    (lot,) = looked(scene)
    for killed in range(1, MOST_RUNS):
        with scene.ledger.reading() as connection:
            lot = get_lot(connection, lot.key)
        assert lot.attempt == killed
        assert give_another_run(scene.ledger, scene.bucket, lot, "killed", 0, scene.now)
        assert give_another_run(scene.ledger, scene.bucket, lot, "told twice", MOST_FAILURES, scene.now)
    with scene.ledger.reading() as connection:
        lot = get_lot(connection, lot.key)
    assert not give_another_run(scene.ledger, scene.bucket, lot, "killed again", 0, scene.now)
    assert scene.states("a") == [JobState.ERRORED]
    with scene.ledger.reading() as connection:
        assert open_lots(connection, "lab") == []
        assert len(all_lots(connection, "lab")) == 1


def test_a_lot_whose_runs_failed_by_themselves_ends_sooner(scene: Scene) -> None:
    scene.put("a.csv")
    (lot,) = looked(scene)
    assert not give_another_run(scene.ledger, scene.bucket, lot, "broken", MOST_FAILURES, scene.now)
    (job,) = scene.jobs("a")
    assert (job.reason or "").startswith("RUNS_FAILED: ")
