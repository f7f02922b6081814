"""What people should know of is in a real queue, once for each incident."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from biolake.arrivals.incidents import tell_incidents
from biolake.arrivals.tick import due_tick
from biolake.events.errors import QueueUnavailable
from biolake.events.queue import Queue
from biolake.ledger.jobs import end_jobs
from biolake.ledger.lots import finish_lot_if_ended
from biolake.ledger.models import JobState, Lot
from biolake.studies.notifications.messages import Message, enqueue_for, notifications
from biolake.studies.notifications.queue import deliver_due
from biolake.studies.tables import writing
from platform_assets.definitions import definitions
from resources.platform import PlatformResource
from tests.engines.events.conftest import Landing
from tests.engines.servers.elasticmq import QueuePair, SqsServer
from tests.engines.servers.s3_events import messages
from tests.platform.conftest import matrix_csv


@pytest.fixture
def people(sqs: SqsServer) -> QueuePair:
    """The queue of notifications."""
    return sqs.make_queues()


def told(people: QueuePair) -> list[dict[str, Any]]:
    queue = Queue(people.url)
    found = []
    while some := queue.receive(hidden_seconds=30, wait_seconds=1):
        found += [json.loads(one.body) for one in some]
        queue.delete([one.receipt for one in some])
    return found


def failed_lot(landing: Landing, reasons: dict[str, str], other: str = "other") -> Lot:
    """A lot whose datasets have failed, except its last one, which is still in work."""
    names = [*reasons, other]
    landing.queues.send(*messages(*(landing.bucket.put(f"landing/lab/{n}.csv", matrix_csv()) for n in names)))
    landing.consume()
    (lot,) = landing.look(lot_wait_seconds=0.0).lots
    jobs = {job.dataset_id: job for job in landing.jobs()}
    with landing.platform.ledger.writing() as connection:
        endings = [(jobs[name].id, JobState.ERRORED, reason, None) for name, reason in reasons.items()]
        end_jobs(connection, endings, datetime.now(UTC))
    return lot


def finish(landing: Landing, lot: Lot, other: str = "other") -> None:
    last = next(job for job in landing.jobs() if job.dataset_id == other)
    with landing.platform.ledger.writing() as connection:
        end_jobs(connection, [(last.id, JobState.SUCCESS, None, None)], datetime.now(UTC))
        assert finish_lot_if_ended(connection, lot.key)


def test_failures_of_a_lot_are_told_once_when_it_is_done(landing: Landing, people: QueuePair) -> None:
    reasons = {f"D{number:02d}": "RUNS_FAILED: three runs died" for number in range(25)} | {"E": "EMPTY_FILE: no rows"}
    lot = failed_lot(landing, reasons)
    ledger, queue = landing.platform.ledger, Queue(people.url)
    assert tell_incidents(ledger, queue, datetime.now(UTC)) == 0
    finish(landing, lot)
    assert tell_incidents(ledger, queue, datetime.now(UTC)) == 2
    assert tell_incidents(ledger, queue, datetime.now(UTC)) == 0
    found = {one["kind"]: one for one in told(people)}
    assert set(found) == {"run_failed", "dataset_errored"}
    assert (found["run_failed"]["count"], len(found["run_failed"]["datasets"])) == (25, 20)
    errored = found["dataset_errored"]
    assert (errored["repository"], errored["lot"], errored["code"]) == ("lab", lot.key, "EMPTY_FILE")
    assert (errored["datasets"], errored["text"]) == (["E"], "EMPTY_FILE: no rows")
    # Two days later nothing of it is told again.
    assert tell_incidents(ledger, queue, datetime.now(UTC) + timedelta(days=2)) == 0


def test_the_sensor_tells_each_incident_once_also_after_a_restart(
    landing: Landing, people: QueuePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOLAKE_NOTIFICATIONS", people.url)
    finish(landing, failed_lot(landing, {"D1": "EMPTY_FILE: no rows", "D2": "RUNS_FAILED: three runs died"}))
    said = [reason for _ in range(2) for reason in ticks_of_a_daemon(2)]
    assert said == ["2 incidents told", *["no new incidents"] * 3]
    finish(landing, failed_lot(landing, {"D3": "EMPTY_FILE: no rows"}, other="another"), other="another")
    assert ticks_of_a_daemon(1) == ["1 incidents told"]
    assert sorted(one["datasets"] for one in told(people)) == [["D1"], ["D2"], ["D3"]]
    monkeypatch.setenv("BIOLAKE_NOTIFICATIONS", f"{people.url}-not")
    finish(landing, failed_lot(landing, {"D4": "EMPTY_FILE: no rows"}, other="third"), other="third")
    with pytest.raises(QueueUnavailable):
        ticks_of_a_daemon(1)


def ticks_of_a_daemon(count: int) -> list[str | None]:
    """What so many ticks of the sensor say, each as a daemon makes it, with an instance that was just started."""
    loaded = definitions()
    with dg.DagsterInstance.ephemeral() as instance:
        return [
            evaluate_sensor(loaded.get_sensor_def("incidents"), instance, loaded.get_repository_def())
            for _ in range(count)
        ]


def evaluate_sensor(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> str | None:
    resources = {"platform": PlatformResource()}
    with dg.build_sensor_context(instance, repository_def=repository, resources=resources) as context:
        ticked = sensor.evaluate_tick(context)
    assert not ticked.run_requests
    return ticked.skip_message


def test_a_queue_that_is_away_is_told_later(landing: Landing, people: QueuePair) -> None:
    finish(landing, failed_lot(landing, {"D1": "EMPTY_FILE: no rows"}))
    ledger = landing.platform.ledger
    with pytest.raises(QueueUnavailable):
        tell_incidents(ledger, Queue(f"{people.url}-not"), datetime.now(UTC))
    assert tell_incidents(ledger, Queue(people.url), datetime.now(UTC)) == 1


def test_what_waits_for_another_file_too_long_is_told(landing: Landing, people: QueuePair) -> None:
    (landing.settings.home / "repositories" / "lab.yaml").write_text(
        "name: lab\ntitle: Made-up matrices\nrequires: [metadata]\n"
    )
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    landing.look()
    here = landing.platform
    later = datetime.now(UTC) + timedelta(hours=80)
    due_tick(landing.lab, here.bucket, here.lake_store, here.ledger, landing.settings, clock=lambda: later)
    assert tell_incidents(here.ledger, Queue(people.url), later) == 1
    (message,) = told(people)
    assert (message["code"], message["lot"], message["datasets"]) == ("MISSING_PAIR", None, ["D1"])


def test_studies_tell_the_queue_whoever_they_name(landing: Landing, people: QueuePair) -> None:
    engine, now = landing.platform.study_engine, datetime.now(UTC)
    with writing(engine) as connection:
        for number in range(2):
            height = Message("waiting", "waiting/height", "S1: 3 recordings wait for the participants' height.")
            assert enqueue_for("S1", ("log",), height, connection, now) is (number == 0)
    # One that is not there holds nothing up.
    assert deliver_due(engine, f"{people.url}-not", {}, now) == 1
    assert deliver_due(engine, people.url, {}, now + timedelta(minutes=1)) == 1
    assert deliver_due(engine, people.url, {}, now + timedelta(minutes=2)) == 0
    (message,) = told(people)
    assert (message["kind"], message["study"]) == ("waiting", "S1")
    assert "height" in message["text"]
    (stored,) = notifications(engine)
    assert stored.deliveries == {"log": "delivered", "queue": "delivered"}
    assert message["id"] == f"study/{stored.id}"
