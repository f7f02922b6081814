"""A small lake written with deltalake alone: the engine is tested against the tables, not against a writer."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from biolake.lake.schemas import DATASETS, FEATURES, MATRIX, PROVENANCE, SAMPLES, TableSchema

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class MadeLake:
    """Writes rows of repositories below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def path(self, repository: str, table: str) -> str:
        return str(self.folder / repository / table)

    def write(self, repository: str, schema: TableSchema, rows: list[dict[str, Any]], mode: Any = "append") -> None:
        filled = [{name: row.get(name) for name in schema.column_names} for row in rows]
        write_deltalake(self.path(repository, schema.name), pa.Table.from_pylist(filled, schema.arrow), mode=mode)

    def levels(self, repository: str, dataset_id: str, lot: str, values: dict[str, list[float | None]], **about: Any):
        """Write samples, features and matrix of a dataset: `values` by feature; samples are S1, S2, …"""
        same = {"dataset_id": dataset_id, "lot": lot, "source_version": f"v-{lot}"}
        count = about.get("count") or len(next(iter(values.values())))
        names = about.get("samples") or [f"S{n}" for n in range(1, count + 1)]
        tissues = about.get("tissues") or ["liver", "lung"] * count
        self.write(
            repository,
            SAMPLES,
            [
                same
                | {
                    "sample_id": name,
                    "position": place,
                    "characteristics": [("tissue", tissues[place - 1]), ("age", str(40 + place))],
                    "curated_tissue": [tissues[place - 1]],
                    "curated_is_control": place % 2 == 1,
                }
                for place, name in enumerate(names, start=1)
            ],
        )
        self.write(
            repository,
            FEATURES,
            [
                same | {"feature_id": feature, "position": place, "symbol": feature.upper(), "annotations": []}
                for place, feature in enumerate(values, start=1)
            ],
        )
        self.write(
            repository,
            MATRIX,
            [
                same
                | {"layer": "X", "feature_id": feature, "values": row, "spans": (about.get("spans") or {}).get(feature)}
                for feature, row in sorted(values.items())
            ],
        )

    def show(self, repository: str, dataset_id: str, lot: str, **about: Any) -> None:
        """Make a lot the current version of a dataset, as one commit."""
        row = {
            "dataset_id": dataset_id,
            "lot": lot,
            "repository": repository,
            "title": f"Study {dataset_id}",
            "summary": "A study",
            "organism": ["Homo sapiens"],
            "format": "csv",
            "year": 2020,
            "n_samples": 2,
            "n_features": 2,
            "n_values": 4,
            "layers": ["X"],
            "source_uri": f"s3://b/{dataset_id}",
            "source_version": f"v-{lot}",
            "sha256": "0" * 64,
            "ingested_at": WHEN,
            "metadata": '{"design": {"arms": 2}, "tags": ["a", "b"]}',
        } | about
        filled = {name: row.get(name) for name in DATASETS.column_names}
        table = pa.Table.from_pylist([filled], DATASETS.arrow)
        place = self.path(repository, "datasets")
        if not DeltaTable.is_deltatable(place):
            write_deltalake(place, table)
        elif DeltaTable(place).to_pyarrow_table(filters=[("dataset_id", "=", dataset_id)]).num_rows:
            write_deltalake(DeltaTable(place), table, mode="overwrite", predicate=f"dataset_id = '{dataset_id}'")
        else:
            write_deltalake(place, table, mode="append")

    def hide(self, repository: str, dataset_id: str) -> None:
        """Delete a dataset, as one commit; the rows of its other levels stay behind."""
        DeltaTable(self.path(repository, "datasets")).delete(f"dataset_id = '{dataset_id}'")


def geo_lake(folder: Path) -> MadeLake:
    """A lake in a folder, filled."""
    return fill_geo_lake(MadeLake(folder))


def fill_geo_lake(lake: MadeLake) -> MadeLake:
    """Write two repositories: `geo` with two datasets, `lab` with one."""
    lake.levels("geo", "GSE1", "lot1", {"tp53": [1.0, 2.0], "egfr": [3.0, None]})
    lake.levels(
        "geo",
        "GSE2-GPL570",
        "lot1",
        {"tp53": [5.0, 6.0, 7.0]},
        tissues=["skin", "liver", "lung"],
        spans={"tp53": [1, 1, 1]},
    )
    lake.show(
        "geo",
        "GSE1",
        "lot1",
        curated_disease=["Breast Neoplasms", "Normal"],
        curated_tissue=["breast", "liver"],
        curated_cell_line=["MCF-7"],
        curated_drug=[],
    )
    lake.show(
        "geo", "GSE2-GPL570", "lot1", curated_disease=["Psoriasis"], curated_tissue=["skin"], year=2013, n_samples=3
    )
    lake.levels("lab", "L1", "lot9", {"tp53": [9.0, 8.0]})
    lake.show("lab", "L1", "lot9", curated_disease=["Normal"], title="O'Brien's study")
    lake.write(
        "geo",
        PROVENANCE,
        [
            {
                "dataset_id": "GSE1",
                "lot": "lot1",
                "job_id": "j1",
                "action": "upload",
                "state": "SUCCESS",
                "source_uri": "s3://b/GSE1",
                "source_version": "v-lot1",
                "run_id": "r1",
                "code_version": "0.1.0",
                "processed_at": WHEN,
            }
        ],
    )
    return lake
