"""OpenSearch is killed while a run indexes its lot: the run waits for it, and no dataset is at fault."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from biolake.ledger.models import JobState
from biolake.search.opensearch.bulk import BulkWriter
from tests.engines.servers.opensearch import OpenSearchServer
from tests.platform.conftest import Deployment, matrix_csv


def test_a_run_waits_for_the_node_to_start_again(
    deployment: Deployment, opensearch: OpenSearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"D{number}" for number in range(30)]
    for name in names:
        deployment.put(f"lab/{name}.csv", matrix_csv())
    deployment.drive()
    for name in names[:20]:
        deployment.put(f"lab/{name}.csv", matrix_csv(5))
    deployment.remove(*(f"lab/{name}.csv" for name in names[25:]))
    real, reached = BulkWriter._once, Event()

    def once(writer: BulkWriter, entries: Sequence[object]) -> object:
        reached.set()
        return real(writer, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(BulkWriter, "_once", once)
    # The node ends with the thread that starts it: that is this one.
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(deployment.drive)
        assert reached.wait(60)
        opensearch.restart()
        jobs = driving.result()
    assert len(jobs) == 25
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    assert all(run.is_success for run in deployment.runs())
    assert set(deployment.shown()) == set(names[:25])
    assert deployment.platform.index.versions("lab") == deployment.shown()
    assert deployment.reconciled().differences == ()
