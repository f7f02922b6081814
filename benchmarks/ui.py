"""The UI's partition page of a repository with 5,000 lots, as the browser asks for it over GraphQL.

The baseline is the same page of a repository with 10 lots.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import httpx

from benchmarks.machine import header, table
from biolake.cli.dagster import quieten

LOTS = {"many": 5_000, "few": 10}
PARTITIONS = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeyConnection(limit: 10000, ascending: false) { results }
      partitionStats { numMaterialized numPartitions numFailed numMaterializing }
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions }
      }
    }
  }
}
"""


def main() -> None:
    """Run and print."""
    quieten()
    report = header("UI, partition page of a repository with 5,000 lots")
    with tempfile.TemporaryDirectory() as home:
        os.environ["BIOLAKE_HOME"] = home
        (Path(home) / "repositories").mkdir()
        from platform_assets.drive import local_instance

        with local_instance(Path(home)) as instance:
            for name, count in LOTS.items():
                (Path(home) / "repositories" / f"{name}.yaml").write_text(f"name: {name}\ntitle: {name}\n")
                keys = [f"20261122T{number:06d}Z-{number:010x}" for number in range(count)]
                instance.add_dynamic_partitions(f"{name}_lots", keys)
                for key in keys:
                    instance.report_runless_asset_event(dg.AssetMaterialization([name, "datasets"], partition=key))
        port = 3917
        with subprocess.Popen(
            [sys.executable, "-m", "biolake.cli", "up", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                rows = [(name, f"{count:,}", *ask(port, name)) for name, count in LOTS.items()]
            finally:
                process.terminate()
    print(report + "\n" + table(("repository", "lots", "first answer", "second", "partitions answered"), rows))


def ask(port: int, repository: str) -> tuple[str, str, int]:
    """Ask as the partition page does; wait for the UI first."""
    address = f"http://127.0.0.1:{port}/graphql"
    body = {"query": PARTITIONS, "variables": {"key": {"path": [repository, "datasets"]}}}
    for _ in range(240):
        try:
            answer = httpx.post(address, json={"query": "{ assetNodes { id } }"}, timeout=10).json()
            if answer["data"]["assetNodes"]:
                break
        except (httpx.HTTPError, KeyError, TypeError, ValueError):
            pass
        time.sleep(0.5)
    seconds = []
    node: dict = {}
    for _ in range(2):
        started = time.perf_counter()
        answer = httpx.post(address, json=body, timeout=60).json()
        if answer.get("errors"):
            raise SystemExit(answer["errors"])
        node = answer["data"]["assetNodeOrError"]
        seconds.append(time.perf_counter() - started)
    materialized = len(node["assetPartitionStatuses"]["materializedPartitions"])
    return f"{seconds[0]:.2f} s", f"{seconds[1]:.2f} s", materialized


if __name__ == "__main__":
    main()
