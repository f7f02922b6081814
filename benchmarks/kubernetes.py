"""Runs as Kubernetes Jobs: from launch to user code, 1,000 small datasets from S3 to the index, and what a run costs.

    python -m benchmarks.kubernetes [--datasets 1000] [--lots 1 10 100]

Everything is real and on this machine: S3 (versitygw) with a queue of its events, PostgreSQL, OpenSearch, a node of
Kubernetes with containerd, Dagster's daemon and code server; pods have this machine's Python mounted. Datasets are made
up: 20 features x 4 samples.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg

from benchmarks.machine import header, table
from biolake.ledger.models import JobState
from tests.engines.kubernetes.deployment import MOST_PODS, KubernetesDeployment
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes.cluster import running_cluster
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import matrix_csv


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--lots", type=int, nargs="*", default=[1, 1, 1, 100, 300])
    arguments = parser.parse_args()
    title = header(f"Kubernetes: runs as Jobs, at most {MOST_PODS} pods at once")
    with _deployment() as deployment:
        rows = [*_lots(deployment, arguments.lots), *_many(deployment, arguments.datasets)]
    print(title)
    print(table(("measure", "value", "target"), rows))


def _lots(deployment: KubernetesDeployment, sizes: list[int]) -> Iterator[tuple[str, str, str]]:
    """One lot after the other, each alone on the cluster."""
    launches: list[float] = []
    for turn, size in enumerate(sizes):
        prefix = f"lot{turn}-"
        _land(deployment, prefix, size)
        jobs = deployment.wait_for_jobs(prefix, size)
        lots = {job.lot for job in jobs}
        deployment.wait("the runs' end", lambda lots=lots: all(run.is_finished for run in deployment.runs(lots)))
        runs = deployment.runs(lots)
        if len(runs) > 1:
            # Landing took longer than the sensor's pause; a lot of its own is what is measured.
            continue
        begun, first_step, ended = _moments(deployment, runs[0].run_id)
        launches.append(first_step - begun)
        taken = ended - begun
        yield f"run of a lot of {size}", f"{taken:.1f} s, {taken - launches[-1]:.1f} s of it in user code", ""
    said = f"{statistics.median(launches):.1f} s (of {len(launches)}: {min(launches):.1f} to {max(launches):.1f} s)"
    yield "launch to the first line of user code, median", said, "8 s"


def _many(deployment: KubernetesDeployment, datasets: int) -> Iterator[tuple[str, str, str]]:
    begun = time.monotonic()
    _land(deployment, "many-", datasets)
    landed = time.monotonic() - begun
    jobs = deployment.wait_for_jobs("many-", datasets, seconds=900)
    taken = time.monotonic() - begun
    succeeded = sum(job.state == JobState.SUCCESS for job in jobs)
    yield "datasets landed, stored and found", f"{succeeded} of {datasets}", "all"
    lots = len({job.lot for job in jobs})
    yield "from the first upload to the last SUCCESS", f"{taken:.1f} s, uploads {landed:.1f} s, {lots} lots", ""
    yield "datasets per second", f"{datasets / taken:.1f}", "5"
    deployment.agrees()
    yield "bucket = ledger = lake = index, row by row", "yes", "yes"


def _moments(deployment: KubernetesDeployment, run: str) -> tuple[float, float, float]:
    """When a run was launched, its first step began, and it ended."""
    with deployment.instance() as instance:
        times = {}
        for event in instance.all_logs(run):
            if event.dagster_event is not None:
                times.setdefault(event.dagster_event.event_type, event.timestamp)
    kinds = dg.DagsterEventType
    return times[kinds.RUN_STARTING], times[kinds.STEP_START], times[kinds.RUN_SUCCESS]


def _land(deployment: KubernetesDeployment, prefix: str, count: int) -> None:
    for number in range(count):
        deployment.put(f"{prefix}{number:04}", matrix_csv(number, ("s1", "s2", "s3", "s4"), 20))


@contextmanager
def _deployment() -> Iterator[KubernetesDeployment]:
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="biolake-"))) for _ in range(5)]
        for folder in folders:
            folder.chmod(0o755)
        s3, sqs = S3Server(folders[0]), SqsServer(folders[1])
        postgres, opensearch = PostgresServer(folders[2]), OpenSearchServer(folders[3])
        for server in (s3, sqs, postgres, opensearch):
            server.start()
            stack.callback(server.stop)
        cluster = stack.enter_context(running_cluster())
        made = KubernetesDeployment(
            cluster, s3, sqs, postgres, opensearch, folders[4] / "home", BIOLAKE_LOT_DATASETS="1000"
        )
        os.environ.update(made.variables)
        stack.callback(made.stop)
        made.start()
        yield made


if __name__ == "__main__":
    main()
