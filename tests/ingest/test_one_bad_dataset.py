"""A dataset that cannot be read or stored ends alone; its neighbours are stored."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import Job, JobState
from biolake.platform import Platform, opened
from biolake.settings import Settings


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "0")
    (tmp_path / "repositories").mkdir()
    (tmp_path / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Lab\n")
    (tmp_path / "landing" / "lab").mkdir(parents=True)
    with opened(Settings.from_environment()) as here:
        yield here


def ingest(platform: Platform) -> dict[str, Job]:
    from platform_assets.drive import drive_repository, local_instance

    with local_instance(platform.settings.home) as instance:
        drive_repository(platform, instance, "lab")
    with platform.ledger.reading() as connection:
        return {job.dataset_id: job for job in find_jobs(connection, "lab")}


def land(platform: Platform, name: str, text: str) -> Path:
    path = platform.settings.home / "landing" / "lab" / name
    path.write_text(text)
    return path


def test_text_that_cannot_be_stored_refuses_its_dataset_alone(platform: Platform) -> None:
    land(platform, "good.csv", "gene,a\ng1,1\n")
    land(platform, "bad.csv", "gene,a\ng1,1\n")
    land(platform, "bad.metadata.json", json.dumps({"title": "x", "note": "\ud800"}))
    jobs = ingest(platform)
    assert jobs["good"].state == JobState.SUCCESS
    assert jobs["bad"].state == JobState.ERRORED
    assert "bad" in (jobs["bad"].reason or "")
    assert platform.lake.open("lab", "datasets").to_pyarrow_table()["dataset_id"].to_pylist() == ["good"]


def test_an_object_that_cannot_be_read_ends_alone(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from biolake.objects.errors import StoreUnavailable
    from biolake.objects.models import ObjectVersion
    from biolake.objects.store import ObjectStore

    land(platform, "good.csv", "gene,a\ng1,1\n")
    land(platform, "bad.csv", "gene,a\ng1,1\n")
    real = ObjectStore.local

    def local(store: ObjectStore, version: ObjectVersion) -> tuple[Path, str] | None:
        if version.key.endswith("bad.csv"):
            raise StoreUnavailable("lab/bad.csv: Input/output error")
        return real(store, version)

    monkeypatch.setattr(ObjectStore, "local", local)
    jobs = ingest(platform)
    assert jobs["good"].state == JobState.SUCCESS
    assert jobs["bad"].state == JobState.ERRORED
    assert "Input/output error" in (jobs["bad"].reason or "")


def test_a_renamed_file_is_stored_under_its_new_name(platform: Platform) -> None:
    first = land(platform, "D1.csv", "gene,a\ng1,1\n")
    ingest(platform)
    first.rename(first.with_suffix(".txt"))
    ingest(platform)
    (row,) = platform.lake.open("lab", "datasets").to_pyarrow_table().to_pylist()
    assert row["source_uri"].endswith("D1.txt")
