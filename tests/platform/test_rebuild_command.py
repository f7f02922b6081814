"""`biolake reconcile --rebuild-index`, as people call it, while searches go on."""

import json
import subprocess
import sys
from threading import Event, Thread

from biolake.search.models import SearchRequest
from tests.platform.conftest import Deployment, matrix_csv

NAMES = {f"D{number}" for number in range(6)}


def test_a_command_fills_the_index_anew_while_it_serves(deployment: Deployment) -> None:
    for name in NAMES:
        deployment.put(f"lab/{name}.csv", matrix_csv())
    deployment.drive()
    index = deployment.platform.index
    index.delete("lab", ["D1"])
    assert deployment.reconciled().differences != ()
    ended, seen = Event(), list[frozenset[str]]()

    def read() -> None:
        while not ended.wait(0.02):
            page = index.search(SearchRequest(repositories=("lab",)))
            seen.append(frozenset(hit.dataset_id for hit in page.hits))

    reader = Thread(target=read)
    reader.start()
    try:
        command = [sys.executable, "-m", "biolake.cli", "reconcile", "--rebuild-index", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    finally:
        ended.set()
        reader.join()
    assert done.returncode == 0, done.stderr
    assert {one["repository"]: one["agrees"] for one in json.loads(done.stdout)} == {"lab": True, "paired": True}
    assert set(seen) <= {frozenset(NAMES - {"D1"}), frozenset(NAMES)}
    assert len(seen) > 10
    assert index.versions("lab") == deployment.shown()
    assert deployment.reconciled().differences == ()
