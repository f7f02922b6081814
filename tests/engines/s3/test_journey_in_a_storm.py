"""The main job while S3 refuses requests in bursts and loses the answers to commits."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from biolake.lake.lake import Lake
from biolake.ledger.models import JobState
from tests.engines.s3.faulty import ANSWER_LOST, BUSY, Faults, faulty_beside, storm
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import Deployment, made_deployment, matrix_csv


@pytest.fixture
def stormy(s3: S3Server) -> Iterator[Faults]:
    """The server on a bad day."""
    with faulty_beside(s3.port, storm) as faults:
        yield faults
    assert faults.spoilt[BUSY] > 3 < faults.spoilt[ANSWER_LOST]


@pytest.fixture
def deployment(stormy: Faults, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment whose bucket and lake are behind the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stormy.url)
    monkeypatch.setenv("BIOLAKE_LANDING", f"s3://{bucket}/landing")
    monkeypatch.setenv("BIOLAKE_LAKE", f"s3://{bucket}/lake")
    with made_deployment(tmp_path, monkeypatch) as made:
        yield made


def test_uploads_updates_and_deletes_arrive_once(deployment: Deployment, s3: S3Server) -> None:
    names = [f"D{number}" for number in range(8)]
    for name in names:
        deployment.put(f"lab/{name}.csv", matrix_csv())
    assert {job.state for job in deployment.drive()} == {JobState.SUCCESS}
    for name in names[:3]:
        deployment.put(f"lab/{name}.csv", matrix_csv(9))
    deployment.remove("lab/D7.csv")
    assert {job.state for job in deployment.drive()} == {JobState.SUCCESS}
    assert deployment.values("D0") == [[9, 10], [11, 12], [13, 14]]
    assert set(deployment.shown()) == set(names[:-1]) == set(deployment.platform.index.versions("lab"))
    assert deployment.reconciled().differences == ()
    lake = Lake(deployment.platform.lake.url, {**s3.environment})
    feed = pa.table(lake.open("lab", "matrix").load_cdf().read_all()).to_pylist()
    written = [(row["dataset_id"], row["lot"], row["feature_id"]) for row in feed]
    assert {row["_change_type"] for row in feed} == {"insert"}
    assert len(written) == len(set(written)) == (8 + 3) * 3
