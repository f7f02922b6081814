"""A deployment in a folder, driven through the repositories' own sensors and runs, and small made-up files for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import Job, JobState
from biolake.platform import Platform
from biolake.reports.reconcile import Reconciliation, reconcile
from biolake.reports.repair import repair
from biolake.settings import Settings
from platform_assets import drive

LAB = "name: lab\ntitle: Made-up matrices\n"
PAIRED = "name: paired\ntitle: Made-up matrices with metadata\nrequires: [metadata]\n"


@dataclass
class Deployment:
    """One deployment and what a test does with it."""

    platform: Platform
    instance: dg.DagsterInstance

    def document(self, name: str, text: str) -> None:
        folder = self.platform.settings.home / "repositories"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)

    def put(self, key: str, content: bytes | str) -> None:
        self.platform.bucket.put(key, content if isinstance(content, bytes) else content.encode())

    def remove(self, *keys: str) -> None:
        self.platform.bucket.delete(keys)

    def drive(self, repository: str = "lab") -> list[Job]:
        return drive.drive_repository(self.platform, self.instance, repository, timeout=120)

    def jobs(self, dataset_id: str | None = None, repository: str = "lab") -> list[Job]:
        with self.platform.ledger.reading() as connection:
            return find_jobs(connection, repository, dataset_ids=None if dataset_id is None else [dataset_id])

    def states(self, dataset_id: str, repository: str = "lab") -> list[JobState]:
        return [job.state for job in self.jobs(dataset_id, repository)]

    def table(self, name: str, repository: str = "lab") -> pa.Table:
        return self.platform.lake.open(repository, name).to_pyarrow_table()

    def shown(self, repository: str = "lab") -> dict[str, str]:
        """The lot of each dataset that the lake shows."""
        rows = self.table("datasets", repository)
        ids = rows["dataset_id"].to_pylist()
        assert len(ids) == len(set(ids))
        return dict(zip(ids, rows["lot"].to_pylist(), strict=True))

    def values(self, dataset_id: str, repository: str = "lab") -> list[list[float]]:
        """The values of the shown version of a dataset, a row per feature."""
        lot = self.shown(repository)[dataset_id]
        mine = (pads.field("dataset_id") == dataset_id) & (pads.field("lot") == lot)
        rows = self.platform.lake.open(repository, "matrix").to_pyarrow_dataset().to_table(filter=mine)
        return rows.sort_by("feature_id")["values"].to_pylist()

    def versions(self, repository: str = "lab") -> dict[str, int]:
        names = ("datasets", "samples", "features", "matrix")
        return {name: self.platform.lake.open(repository, name).version() for name in names}

    def runs(self) -> Sequence[dg.DagsterRun]:
        return self.instance.get_runs()

    def reconciled(self, repository: str = "lab", *, rows: bool = True) -> Reconciliation:
        return reconcile(self.platform, self.platform.repositories.get(repository), rows=rows)

    def repaired(self, repository: str = "lab") -> Reconciliation:
        one = self.platform.repositories.get(repository)
        repair(self.platform, one, reconcile(self.platform, one))
        self.drive(repository)
        return reconcile(self.platform, one)

    def check_evaluations(self, lot: str, check: str, repository: str = "lab") -> list[dg.AssetCheckEvaluation]:
        found = self.instance.get_event_records(
            dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        )
        evaluations = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in found]
        return [one for one in evaluations if one.check_name == check and one.partition == lot]

    def materialization(self, lot: str, asset: str = "datasets", repository: str = "lab") -> dg.AssetMaterialization:
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey([repository, asset]), asset_partitions=[lot]), limit=1
        ).records
        found = records[0].asset_materialization
        assert found is not None
        return found


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A fresh deployment."""
    with made_deployment(tmp_path, monkeypatch) as made:
        yield made


@contextmanager
def made_deployment(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment with two repositories in `home`; whatever is uploaded counts as complete at once."""
    monkeypatch.setenv("BIOLAKE_HOME", str(home))
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "0")
    monkeypatch.setattr(drive, "_PAUSE_SECONDS", 0.01)
    platform = Platform(Settings.from_environment())
    with dg.DagsterInstance.ephemeral() as instance:
        made = Deployment(platform, instance)
        made.document("lab", LAB)
        made.document("paired", PAIRED)
        yield made
    platform.close()


def matrix_csv(value: float = 1.0, samples: Sequence[str] = ("s1", "s2"), features: int = 3) -> str:
    """A matrix of `value`, `value + 1`, … row by row."""
    lines = [",".join(["gene", *samples])]
    for row in range(features):
        cells = [str(value + row * len(samples) + column) for column in range(len(samples))]
        lines.append(",".join([f"g{row + 1}", *cells]))
    return "\n".join(lines) + "\n"


def matrix_gct(value: float = 1.0) -> str:
    """The matrix of :func:`matrix_csv` in another format."""
    rows = "".join(f"g{row + 1}\tmade up\t{value + 2 * row}\t{value + 2 * row + 1}\n" for row in range(3))
    return f"#1.2\n3\t2\nNAME\tDescription\ts1\ts2\n{rows}"
