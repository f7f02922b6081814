"""Large matrices: ingest against merely parsing them.

A 20,000 x 1,000 CSV.gz against polars, and h5ads of 1 GB uncompressed (sparse and dense, gzip) against anndata. Each
runs in a process of its own, so that peaks do not mix; ingest runs the reader, the commit to the lake and the index.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.machine import header, table

FEATURES, SAMPLES = 20_000, 1_000
CELLS, GENES, DENSITY = 50_000, 20_000, 0.125
DENSE_CELLS = 12_500


def write_csv(path: Path) -> int:
    """Write counts as CSV.gz and return the matrix's bytes as float64."""
    import gzip

    numbers = np.random.default_rng(1)
    means = numbers.lognormal(3, 1.5, FEATURES)
    with gzip.open(path, "wt", compresslevel=4) as out:
        out.write("gene," + ",".join(f"s{i}" for i in range(SAMPLES)) + "\n")
        for feature in range(FEATURES):
            row = numbers.negative_binomial(4, 4 / (4 + means[feature]), SAMPLES)
            out.write(f"ENSG{feature:011d}," + ",".join(map(str, row.tolist())) + "\n")
    return FEATURES * SAMPLES * 8


def write_h5ad(path: Path) -> int:
    """Write a sparse h5ad whose stored arrays take 1 GB uncompressed; return those bytes."""
    import anndata
    import pandas as pd
    from scipy import sparse

    matrix = sparse.random(CELLS, GENES, DENSITY, format="csr", dtype=np.float32, random_state=1)
    matrix.data = np.ceil(matrix.data * 8).astype(np.float32)
    data = anndata.AnnData(
        matrix,
        obs=pd.DataFrame(index=[f"c{i}" for i in range(CELLS)]),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
    )
    data.write_h5ad(path, compression="gzip")
    return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)


def write_dense_h5ad(path: Path) -> int:
    """Write a dense h5ad of float32 that takes 1 GB uncompressed; return those bytes."""
    import anndata
    import pandas as pd

    numbers = np.random.default_rng(1)
    means = numbers.lognormal(0, 1.5, GENES)
    matrix = np.empty((DENSE_CELLS, GENES), dtype=np.float32)
    for cell in range(DENSE_CELLS):
        matrix[cell] = numbers.poisson(means)
    data = anndata.AnnData(
        matrix,
        obs=pd.DataFrame(index=[f"c{i}" for i in range(DENSE_CELLS)]),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
    )
    data.write_h5ad(path, compression="gzip")
    return matrix.nbytes


WRITE = {
    "csv": (write_csv, ".csv.gz", FEATURES * SAMPLES),
    "h5ad": (write_h5ad, ".h5ad", CELLS * GENES),
    "dense": (write_dense_h5ad, "_dense.h5ad", DENSE_CELLS * GENES),
}
PARSE = {
    "csv": "import polars as pl; begin(); pl.read_csv({path!r})",
    "h5ad": "import anndata; begin(); anndata.read_h5ad({path!r})",
    "dense": "import anndata; begin(); anndata.read_h5ad({path!r})",
}
INGEST = """
from biolake.platform import opened
from biolake.settings import Settings
from biolake.cli.dagster import quieten
quieten()
from biolake.formats.registry import formats
from platform_assets.drive import drive_repository, local_instance
with opened(Settings.from_environment()) as here, local_instance(here.settings.home) as instance:
    here.index, here.ledger, here.bucket, formats()
    begin()
    ended = drive_repository(here, instance, "lab")
    assert [job.state.value for job in ended] == ["SUCCESS"], ended
"""
MEASURE = """
import resource, time, json, threading, os, sys
peak = 0
def tree():
    total, todo = 0, [os.getpid()]
    while todo:
        pid = todo.pop()
        try:
            total += int(open(f"/proc/{{pid}}/statm").read().split()[1]) * 4096
            for task in os.listdir(f"/proc/{{pid}}/task"):
                todo += [int(c) for c in open(f"/proc/{{pid}}/task/{{task}}/children").read().split()]
        except OSError:
            continue
    return total
def watch():
    global peak
    while True:
        peak = max(peak, tree())
        time.sleep(0.05)
def begin():
    global started, base
    started, base = time.perf_counter(), tree()
    threading.Thread(target=watch, daemon=True).start()
{code}
print("MEASURED", json.dumps([time.perf_counter() - started, peak - base]))
"""


def measure(code: str, environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Run code in a process; return seconds and the most memory that it and its children added, in GiB.

    Both count from `begin()`: libraries are loaded in a deployment that runs.
    """
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE.format(code=code)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    for line in answer.stdout.splitlines():
        if line.startswith("MEASURED"):
            seconds, peak = json.loads(line.split(maxsplit=1)[1])
            return seconds, peak / 1024**3
    raise SystemExit(answer.stderr[-3000:])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(WRITE))
    arguments = parser.parse_args()
    report, rows = header("Large matrices, ingest against parsing"), []
    for kind, (write, suffix, cells) in WRITE.items():
        if arguments.only not in (None, kind):
            continue
        with tempfile.TemporaryDirectory() as home:
            landing = Path(home) / "landing" / "lab"
            landing.mkdir(parents=True)
            path = landing / f"large{suffix}"
            size = write(path) / 1024**3
            (Path(home) / "repositories").mkdir()
            (Path(home) / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Large\n")
            environment = {"BIOLAKE_HOME": home, "BIOLAKE_SETTLE_SECONDS": "0"}
            parse, parse_peak = measure(PARSE[kind].format(path=str(path)))
            ingest, ingest_peak = measure(INGEST, environment)
            stored = sum(file.stat().st_size for file in (Path(home) / "lake" / "lab" / "matrix").rglob("*.parquet"))
            rows.append(
                (
                    path.name,
                    f"{path.stat().st_size / 1024**2:.0f} MiB, {size:.2f} GiB in memory",
                    f"{parse:.1f} s, {parse_peak:.2f} GiB",
                    f"{ingest:.1f} s, {ingest_peak:.2f} GiB",
                    f"{ingest / parse:.2f}x",
                    f"{ingest_peak / size:.2f}x",
                    f"{stored / cells:.2f}",
                )
            )
    columns = ("file", "size", "parse alone", "ingest", "time", "peak against the matrix", "bytes per value")
    print(report + "\n" + table(columns, rows))


if __name__ == "__main__":
    main()
