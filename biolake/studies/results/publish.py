"""Writing one result to the study's place for results: tables first, the manifest last, so that it appears at once.

A reader that finds no manifest finds no result. Writing to the lake is `lake_tables`.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from biolake.objects.errors import ObjectNotFound
from biolake.objects.store import ObjectStore
from biolake.studies.results.columns import VOLATILE
from biolake.studies.results.manifest import NAME, SUPERSEDED, Manifest, TableRecord


def content_sha256(frame: pl.DataFrame) -> str:
    """Return the hash of a table's values, to the last bit, without columns that differ between runs of the same."""
    kept = frame.select(name for name in frame.columns if name not in VOLATILE)
    # polars writes the shortest text that reads back as the same number, so the text has every bit.
    return hashlib.sha256(kept.write_csv().encode()).hexdigest()


def table_files(tables: Mapping[str, pl.DataFrame], formats: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of every table's files by name."""
    files: dict[str, bytes] = {}
    for name, frame in tables.items():
        # A week has 10,080 minutes, which nobody reads as text.
        for form in ("parquet",) if name == "movement" else formats:
            out = io.BytesIO()
            if form == "parquet":
                frame.write_parquet(out, compression="zstd", statistics=True)
            else:
                frame.write_csv(out)
            files[f"{name}.{form}"] = out.getvalue()
    return files


def records(tables: Mapping[str, pl.DataFrame], files: Mapping[str, bytes]) -> dict[str, TableRecord]:
    """Return what the manifest says of each table."""
    return {
        name: TableRecord(
            rows=frame.height,
            content_sha256=content_sha256(frame),
            files={
                path: hashlib.sha256(content).hexdigest()
                for path, content in files.items()
                if path.rsplit(".", 1)[0] == name
            },
        )
        for name, frame in tables.items()
    }


def publish_files(store: ObjectStore, prefix: str, files: Mapping[str, bytes], made: Manifest) -> None:
    """Write a result's files; without its manifest the result is not there yet.

    Raises:
        StoreUnavailable: The store did not take a file. Write again.
    """
    for name, content in files.items():
        store.put(prefix + name, content)
    store.put(f"{prefix}pipeline.skdh", made.recipe.pipeline_text.encode())


def publish_manifest(store: ObjectStore, prefix: str, made: Manifest) -> None:
    """Make a result appear: from now on it need not be computed again.

    Raises:
        StoreUnavailable: The store did not take it. Write again.
    """
    # An earlier result of the same inputs may have been superseded in between, and is the study's again.
    store.delete([prefix + SUPERSEDED])
    store.put(prefix + NAME, made.model_dump_json(indent=1).encode())


def read_manifest(store: ObjectStore, prefix: str) -> Manifest | None:
    """Read the manifest below a prefix, None where no result is there.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    try:
        content = store.get(prefix + NAME)
    except ObjectNotFound:
        return None
    return Manifest.model_validate_json(content)


def supersede(store: ObjectStore, prefix: str, by: str, now: datetime, *, keep: bool) -> None:
    """Mark an earlier result as superseded by the run key `by`, or remove it where the study does not keep such."""
    if keep:
        note = {"superseded_by": by, "at": now.isoformat()}
        store.put(prefix + SUPERSEDED, json.dumps(note).encode())
        return
    keys = [version.key for version in store.list(prefix)]
    # The manifest goes first: half of a result must not look like one.
    store.delete(sorted(keys, key=lambda key: (not key.endswith(NAME), key)))
