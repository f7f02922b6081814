"""Every file of the test data ends as docs/formats-checked.md says, through sensor, run, lake and index."""

import re
import shutil
from pathlib import Path

import pytest

from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import JobState
from biolake.objects.upload import upload
from biolake.platform import opened
from biolake.reports.reconcile import reconcile
from biolake.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats-checked.md"


def documented() -> dict[str, tuple[str, str]]:
    """Format and outcome by file, as the page's table says."""
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+?) \| .+ \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {name: (form, outcome) for name, form, outcome in rows if "/" in name}


def uploads(folder: Path) -> list[Path]:
    """Files, and folders of matrix-market files as one."""
    matrix_market = {path.parent for path in folder.rglob("matrix.mtx*")}
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent not in matrix_market]
    return sorted([*files, *matrix_market])


@pytest.mark.shared_data
def test_every_file_is_stored_or_refused_by_name(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from platform_assets.drive import drive_repository, local_instance

    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "0")
    (tmp_path / "repositories").mkdir()
    (tmp_path / "repositories" / "lab.yaml").write_text(
        "name: lab\ntitle: Every file\ndataset_id: '^(?P<dataset_id>f[0-9]+)'\n"
    )
    expected = documented()
    names: dict[str, str] = {}
    for number, path in enumerate(uploads(shared_data / "omics")):
        # Several files have one name, and an index lies beside its data: a number makes each a dataset of its own.
        names[f"f{number}"] = path.relative_to(shared_data / "omics").as_posix()
        (tmp_path / "links").mkdir(exist_ok=True)
        link = tmp_path / "links" / f"f{number}-{path.name}"
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, link)
    assert set(names.values()) == set(expected)
    with opened(Settings.from_environment()) as platform, local_instance(tmp_path) as instance:
        for path in (tmp_path / "links").iterdir():
            upload(path, platform.bucket, "lab")
        drive_repository(platform, instance, "lab")
        with platform.ledger.reading() as connection:
            jobs = find_jobs(connection, "lab")
        found: dict[str, tuple[str, str]] = {}
        for row in platform.lake.open("lab", "datasets").to_pyarrow_table().to_pylist():
            layers = ", ".join(row["layers"]) or "none"
            found[names[row["dataset_id"]]] = (
                row["format"],
                f"{row['n_features']:,} x {row['n_samples']:,}, layers {layers}",
            )
        for job in jobs:
            if job.state == JobState.ERRORED:
                name = names[job.dataset_id]
                assert job.reason is not None
                assert Path(name).name in job.reason
                found[name] = ("refused", job.reason.split(":")[0])
        assert len(jobs) == len(expected)
        assert reconcile(platform, platform.repositories.get("lab")).agrees
    assert found == expected
