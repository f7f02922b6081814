"""Dead letters are put back by a command, and the doctor says what it finds of the queues."""

import json
import time

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.events.errors import NoDeadLetterQueue, NoEventsQueue
from biolake.events.queue import Queue
from biolake.events.redrive import redrive
from tests.engines.events.conftest import Landing
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.process import free_port
from tests.engines.servers.s3_events import message
from tests.platform.conftest import matrix_csv


def dead_letters(landing: Landing, *bodies: str) -> None:
    landing.queues.client.send_message_batch(
        QueueUrl=landing.queues.dead_letters,
        Entries=[{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)],
    )


def findings(engine: str = "events") -> dict[str, tuple[str, str, str]]:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    told = [one for one in json.loads(done.stdout)["findings"] if one["engine"] == engine]
    return {one["check"]: (one["verdict"], one["found"], one["remedy"]) for one in told}


def test_dead_letters_are_put_back_and_consumed(landing: Landing) -> None:
    dead_letters(
        landing, *(message(landing.bucket.put(f"landing/lab/D{number}.csv", matrix_csv())) for number in range(7))
    )
    done = CliRunner().invoke(app, ["jobs", "redrive", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"redriven": 7})
    assert landing.queues.counts(landing.queues.dead_letters) == (0, 0)
    assert landing.consume().keys == 7
    assert json.loads(CliRunner().invoke(app, ["jobs", "redrive", "--json"]).stdout) == {"redriven": 0}


def test_jobs_are_still_listed(landing: Landing) -> None:
    landing.queues.send(message(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    landing.look()
    done = CliRunner().invoke(app, ["jobs", "--state", "IN_QUEUE", "--json"])
    assert [job["dataset_id"] for job in json.loads(done.stdout)] == ["D1"]


def test_without_queues_there_is_nothing_to_put_back(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoDeadLetterQueue, match="RedrivePolicy"):
        redrive(Queue(landing.queues.dead_letters))
    monkeypatch.delenv("BIOLAKE_EVENTS")
    assert isinstance(CliRunner().invoke(app, ["jobs", "redrive"]).exception, NoEventsQueue)


def test_the_doctor_on_queues_in_order(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOLAKE_NOTIFICATIONS", landing.queues.dead_letters)
    found = findings()
    assert {verdict for verdict, _, _ in found.values()} == {"ok"}
    assert {
        "reachable",
        "waiting",
        "visibility",
        "redrive policy",
        "dead letters",
        "receive",
        "delete",
        "extend",
    } <= set(found)
    assert findings("notifications")["reachable"][0] == "ok"


def test_the_doctor_tells_of_dead_letters(landing: Landing) -> None:
    dead_letters(landing, "not understood")
    verdict, _, remedy = findings()["dead letters"]
    assert verdict == "warning"
    assert "biolake jobs redrive" in remedy


def test_the_doctor_on_queues_that_are_not_there(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOLAKE_EVENTS", f"{landing.queues.url}-not")
    verdict, _, remedy = findings()["reachable"]
    assert verdict == "problem"
    assert "Make the queue, or correct BIOLAKE_EVENTS" in remedy
    monkeypatch.setenv("BIOLAKE_EVENTS", f"http://127.0.0.1:{free_port()}/1/queue")
    assert findings()["reachable"][0] == "problem"
    monkeypatch.setenv("BIOLAKE_EVENTS", landing.queues.dead_letters)
    assert "RedrivePolicy" in findings()["dead letters"][2]


def test_the_doctor_on_queues_that_lose_or_repeat_messages(
    landing: Landing, sqs: SqsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = sqs.make_queues(most_receipts=1)
    monkeypatch.setenv("BIOLAKE_EVENTS", hasty.url)
    monkeypatch.setenv("BIOLAKE_EVENTS_VISIBILITY_SECONDS", "6")
    found = findings()
    for check, remedy in (
        ("visibility", "BIOLAKE_EVENTS_VISIBILITY_SECONDS"),
        ("redrive policy", "maxReceiveCount"),
    ):
        assert (found[check][0], remedy in found[check][2]) == ("warning", True), check
    gone = sqs.make_queues()
    gone.client.delete_queue(QueueUrl=gone.dead_letters)
    monkeypatch.setenv("BIOLAKE_EVENTS", gone.url)
    verdict, _, remedy = findings()["dead letters"]
    assert (verdict, "Make that queue" in remedy) == ("problem", True)


def test_the_doctor_takes_no_message(landing: Landing) -> None:
    landing.queues.send("one")
    for _ in range(5):
        findings()
    time.sleep(1)
    assert landing.queues.counts() == (1, 0)
    (received,) = Queue(landing.queues.url).receive(hidden_seconds=1)
    assert received.received == 1
