"""Work gets a machine that it fits on, the next larger one where it did not, and a wrong table is refused."""

import json
from pathlib import Path

import pytest
from dagster_k8s.job import (
    DagsterK8sJobConfig,
    construct_dagster_k8s_job,
    get_user_defined_k8s_config,
)
from hypothesis import given
from hypothesis import strategies as st

from biolake.documents.errors import DocumentInvalid
from biolake.machines.choose import SHIPPED, Machine, machine_for_lot, machine_for_recording, read_machines
from biolake.machines.kubernetes import pod_configuration
from biolake.machines.models import NAMES

GIB = 2**30
TABLE = read_machines()
SPOT = """
spot:
  node_selector: {capacity: spot}
  tolerations:
    - {key: capacity, value: spot, effect: NoSchedule}
lots_on_spot: true
"""


def with_spot(folder: Path) -> Path:
    path = folder / "machines.yaml"
    path.write_text(SHIPPED.read_text().replace("lots_on_spot: false\nrecordings_on_spot: false", "") + SPOT)
    return path


@pytest.mark.parametrize(
    ("heaviest", "outgrown", "size"),
    [
        (0, 0, "small"),
        (32 * 2**20, 0, "small"),
        (32 * 2**20 + 1, 0, "medium"),
        (GIB, 0, "large"),
        (100 * GIB, 0, "xlarge"),
        (1, 1, "medium"),
        (1, 3, "xlarge"),
        (1, 9, "xlarge"),
    ],
)
def test_a_lot_gets_the_machine_of_its_heaviest_dataset(heaviest: int, outgrown: int, size: str) -> None:
    assert machine_for_lot(read_machines(), heaviest, outgrown=outgrown) == Machine(size, False)  # type: ignore[arg-type]


@given(planned=st.integers(0, 200 * GIB), attempts=st.integers(0, 5))
def test_a_recording_fits_on_its_machine_and_never_shrinks(planned: int, attempts: int) -> None:
    sizes = [machine_for_recording(TABLE, planned, attempts=n).size for n in range(attempts + 1)]
    memory = TABLE.sizes[sizes[0]].memory_bytes
    assert planned <= 0.8 * memory or sizes[0] == "xlarge"
    positions = [NAMES.index(size) for size in sizes]
    assert positions == sorted(positions)


def test_machines_that_are_taken_away_are_tried_twice(tmp_path: Path) -> None:
    table = read_machines(with_spot(tmp_path))
    assert [machine_for_lot(table, 1, runs=runs).spot for runs in range(4)] == [True, True, False, False]
    assert not machine_for_recording(table, 1).spot


@pytest.mark.parametrize("size", NAMES)
@pytest.mark.parametrize("spot", [True, False])
def test_a_job_asks_for_its_machine(tmp_path: Path, size: str, spot: bool) -> None:
    table = read_machines(with_spot(tmp_path))
    tag = json.dumps(pod_configuration(table, Machine(size, spot)))  # type: ignore[arg-type]
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(job_image="biolake"),
        [],
        "run",
        user_defined_k8s_config=get_user_defined_k8s_config({"dagster-k8s/config": tag}),
    )
    pod = job.spec.template.spec
    resources = pod.containers[0].resources
    assert resources.limits == {"memory": table.sizes[size].memory}  # type: ignore[index]
    assert resources.requests == {"cpu": table.sizes[size].cpu, "memory": table.sizes[size].memory}  # type: ignore[index]
    assert (pod.node_selector == {"capacity": "spot"}) is spot
    assert bool(pod.tolerations) is spot
    assert (job.spec.backoff_limit, pod.restart_policy) == (0, "Never")


@pytest.mark.parametrize(
    ("find", "replace", "line", "says"),
    [
        ("memory: 8Gi", "memory: 8G", 10, "sizes.medium.memory: not a number of bytes"),
        ('cpu: "4"', "cpu: lots", 13, "sizes.large.cpu"),
        ("memory: 8Gi", "memroy: 8Gi", 10, "sizes.medium.memroy: unknown key"),
        ("  xlarge:", "  huge:", None, "huge"),
        ("memory: 24Gi", "memory: 4Gi", None, "large has no more memory than medium"),
        ("    dataset: 32Mi\n", "", None, "`dataset` must be given for small"),
        ("memory: 64Gi", "memory: 64Gi\n    dataset: 9Gi", None, "takes datasets of any size"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(
    tmp_path: Path, find: str, replace: str, line: int | None, says: str
) -> None:
    path = tmp_path / "machines.yaml"
    path.write_text(SHIPPED.read_text().replace(find, replace, 1))
    with pytest.raises(DocumentInvalid) as caught:
        read_machines(path)
    message = str(caught.value)
    assert says in message
    assert str(path) in message
    if line is not None:
        assert f":{line}: " in message
