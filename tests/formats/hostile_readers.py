"""Readers that do what a hostile file can make a parser do; test_isolation.py reads with them."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse

from biolake.formats import errors
from biolake.formats.models import Dataset, DenseValues, Limits, Matrix, SparseValues, Upload


def _dataset(upload: Upload, values: DenseValues | SparseValues, metadata: dict | None = None) -> Dataset:
    n_features, n_samples = values.shape
    return Dataset(
        format="test",
        accession=None,
        title=upload.name,
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=pl.DataFrame({"sample_id": [f"S{i}" for i in range(n_samples)]}),
        features=pl.DataFrame({"feature_id": [f"F{i}" for i in range(n_features)]}),
        matrices=(Matrix("values", values),),
        metadata=metadata or {},
    )


def plain(upload: Upload, limits: Limits) -> Dataset:
    return _dataset(upload, DenseValues(np.arange(50_000.0).reshape(1000, 50)))


def tells_its_surroundings(upload: Upload, limits: Limits) -> Dataset:
    surroundings = {
        "environment": sorted(os.environ),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "descriptors": sorted(int(d) for d in os.listdir("/proc/self/fd"))[:-1],
        "main": str(getattr(sys.modules["__main__"], "__file__", "")),
    }
    return _dataset(upload, DenseValues(np.zeros((1, 1))), surroundings)


def raises_as_named(upload: Upload, limits: Limits) -> Dataset:
    raise getattr(errors, upload.name)(f"{upload.name}: sample Ä1 is wrong. Correct it.")


def raises_unforeseen(upload: Upload, limits: Limits) -> Dataset:
    raise KeyError("obs \udcff")


def segfaults(upload: Upload, limits: Limits) -> Dataset:
    ctypes.string_at(0)
    raise AssertionError("reading address 0 did not crash")


def is_killed(upload: Upload, limits: Limits) -> Dataset:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not killed")


def exits(upload: Upload, limits: Limits) -> Dataset:
    os._exit(77)


def hangs(upload: Upload, limits: Limits) -> Dataset:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    Path(upload.data.parent / "reading").write_text(f"{os.getpid()} {os.getppid()}")
    while True:
        time.sleep(3600)


def hangs_with_a_child(upload: Upload, limits: Limits) -> Dataset:
    child = subprocess.Popen(["sleep", "3600"])
    Path(upload.data.parent / "grandchild").write_text(str(child.pid))
    time.sleep(3600)
    raise AssertionError


def loops(upload: Upload, limits: Limits) -> Dataset:
    while True:
        pass


def eats_memory(upload: Upload, limits: Limits) -> Dataset:
    pieces = []
    while True:
        pieces.append(bytes(64 * 1024**2))


def allocates_at_once(upload: Upload, limits: Limits) -> Dataset:
    return _dataset(upload, DenseValues(np.ones((1024, 1024, 1024))))


def aborts_for_memory(upload: Upload, limits: Limits) -> Dataset:
    os.write(2, b"memory allocation of 17179869184 bytes failed\n")
    os.abort()


def points_outside(upload: Upload, limits: Limits) -> Dataset:
    matrix = sparse.csr_array(np.eye(3))
    matrix.indices[1] = 2_000_000_000
    return _dataset(upload, SparseValues(matrix))
