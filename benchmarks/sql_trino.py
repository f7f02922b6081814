"""SQL through the platform on Trino, against Trino's own client with the very statement that the platform sends.

    python -m benchmarks.sql_trino [--datasets 200] [--rounds 15]

Starts an S3 server and a Trino as the tests do. Client and platform take turns, statement by statement, and which of
them goes first changes, so that the machine's other work falls on both. Both fetch every row.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import trino

from benchmarks import sql as embedded
from benchmarks.machine import header, table
from biolake.lake.lake import Lake
from biolake.sql.models import Limits
from biolake.sql.trino import TrinoEngine
from biolake.sql.trino_connection import TrinoAddress
from biolake.sql.versions import LakeVersions
from tests.engines.servers.trino import LAKE_CATALOG, VERSION, TrinoServer
from tests.engines.servers.versitygw import S3Server

STATEMENTS = {
    "one feature's values over all datasets": (
        "SELECT dataset_id, values FROM lab.matrix WHERE feature_id = 'ENSG00000000500'"
    ),
    "a metadata filter over all samples": (
        "SELECT dataset_id, sample_id FROM lab.samples WHERE characteristics['tissue'] = 'liver' "
        "AND CAST(characteristics['age'] AS INTEGER) > 70"
    ),
    "count of samples by tissue, joined with datasets": (
        "SELECT s.characteristics['tissue'] AS tissue, COUNT(*) AS n FROM lab.datasets AS d "
        "JOIN lab.samples AS s ON s.dataset_id = d.dataset_id GROUP BY 1"
    ),
    "one dataset by its id": "SELECT title, n_samples FROM lab.datasets WHERE dataset_id = 'D17'",
    "one dataset's matrix, a column per sample": "SELECT * FROM data_matrices.lab__D17",
}


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def compare(
    engine: TrinoEngine, client: trino.dbapi.Connection, statement: str, rounds: int
) -> tuple[int, float, float, float]:
    """Rows, and the median seconds of the client, of the platform, and of the platform with a new statement."""
    written = engine.trino_sql(statement)
    numbers = itertools.count()

    def own() -> int:
        return len(client.cursor().execute(written).fetchall())

    def platform() -> int:
        return engine.query(statement).rows

    def unknown() -> int:
        return engine.query(f"{statement} -- {next(numbers)}").rows

    for _ in range(3):
        assert own() == platform() == unknown()
    spent: dict[str, list[float]] = {"own": [], "platform": [], "unknown": []}
    for number in range(rounds):
        ways = [("own", own), ("platform", platform), ("unknown", unknown)]
        for way, call in ways if number % 2 else reversed(ways):
            spent[way].append(timed(call))
    own_time, known, new = (statistics.median(times) for times in spent.values())
    return platform(), own_time, known, new


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    embedded.DATASETS, embedded.LOT = chosen.datasets, min(embedded.LOT, chosen.datasets)
    with tempfile.TemporaryDirectory() as folder:
        s3 = S3Server(Path(folder) / "s3")
        s3.start()
        os.environ.update(s3.environment)
        server = TrinoServer(Path(folder) / "trino", s3.environment)
        try:
            lake = s3.make_bucket("bench", versioned=False) + "/lake"
            values = embedded.write_lake(Lake(lake))
            server.start()
            report = header(f"SQL on Trino {VERSION}, {chosen.datasets:,} datasets, {values:,} values on S3")
            client = trino.dbapi.connect(host="127.0.0.1", port=server.port, user="bench")
            rows = []
            with TrinoEngine(
                LakeVersions(lake), TrinoAddress(server.url, catalog=LAKE_CATALOG), None, Limits()
            ) as engine:
                for statement in STATEMENTS.values():
                    # The first use registers the tables.
                    engine.query(statement, max_rows=1)
                for name, statement in STATEMENTS.items():
                    found, own, known, new = compare(engine, client, statement, chosen.rounds)
                    times = [f"{seconds * 1000:.0f} ms" for seconds in (own, known, new)]
                    rows.append((name, found, *times, f"{known / own:.2f}", f"{new / own:.2f}"))
            print(report)
            columns = (
                "Trino's client, median",
                "the platform, median",
                "a new statement, median",
                "ratio",
                "ratio, new",
            )
            print(table(("statement", "rows", *columns), rows))
        finally:
            server.stop()
            s3.stop()


if __name__ == "__main__":
    main()
