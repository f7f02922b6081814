"""A machine as Kubernetes is asked for it, in the spelling of dagster-k8s' run tags.

Source: https://docs.dagster.io/deployment/oss/deployment-options/kubernetes/customizing-your-deployment
"""

from typing import Any

from biolake.machines.choose import Machine
from biolake.machines.models import MachineTable


def pod_configuration(table: MachineTable, machine: Machine) -> dict[str, Any]:
    """What the tag `dagster-k8s/config` of a run on this machine says."""
    size = table.sizes[machine.size]
    common = table.spot if machine.spot else table.regular
    limits = {"memory": size.memory} | ({"cpu": size.cpu_limit} if size.cpu_limit else {})
    selector = {**common.node_selector, **size.placement.node_selector}
    tolerations = [
        toleration.model_dump(exclude_none=True) for toleration in (*common.tolerations, *size.placement.tolerations)
    ]
    pod: dict[str, Any] = {}
    if selector:
        pod["node_selector"] = selector
    if tolerations:
        pod["tolerations"] = tolerations
    configuration: dict[str, Any] = {
        "container_config": {"resources": {"requests": {"cpu": size.cpu, "memory": size.memory}, "limits": limits}}
    }
    return configuration | ({"pod_spec_config": pod} if pod else {})
