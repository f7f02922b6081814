"""Sensors that need a queue are in the graph only where one is set."""

from pathlib import Path

import pytest

from platform_assets.definitions import definitions
from sensors.arrivals import arrival_sensor_name

QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/uploads"


@pytest.mark.parametrize(
    ("variables", "there"),
    [
        ({}, set()),
        ({"BIOLAKE_EVENTS": QUEUE, "BIOLAKE_LANDING": "s3://bucket/landing"}, {"landing_events"}),
        ({"BIOLAKE_NOTIFICATIONS": QUEUE}, {"incidents"}),
    ],
)
def test_sensors_of_queues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], there: set[str]
) -> None:
    (tmp_path / "repositories").mkdir()
    (tmp_path / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Made up\n")
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    names = {sensor.name for sensor in definitions().sensors or ()}
    assert names & {"landing_events", "incidents"} == there
    assert {arrival_sensor_name("lab"), "documents"} <= names
