"""A machine as the tags by which a run asks for it."""

import json

from biolake.machines.choose import Machine
from biolake.machines.kubernetes import pod_configuration
from biolake.machines.models import MachineTable
from resources.run_workers import MACHINE_TAG

SPOT_TAG = "biolake/spot"
KUBERNETES_TAG = "dagster-k8s/config"


def tags_of(table: MachineTable, machine: Machine) -> dict[str, str]:
    """A machine as a run's tags: for people and limits, and for the launcher."""
    tags = {MACHINE_TAG: machine.size, KUBERNETES_TAG: json.dumps(pod_configuration(table, machine))}
    return tags | ({SPOT_TAG: "true"} if machine.spot else {})
