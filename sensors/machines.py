"""The tags by which a run asks for its machine, in production; a local deployment has one machine."""

import json

from biolake.ledger.lots import heaviest_job
from biolake.ledger.models import Lot
from biolake.machines.choose import machine_for_lot, read_machines
from biolake.machines.kubernetes import pod_configuration
from biolake.platform import Platform

MACHINE_TAG = "biolake/machine"
_KUBERNETES_TAG = "dagster-k8s/config"


def machine_tags(platform: Platform, lot: Lot) -> dict[str, str]:
    """What tells Dagster on which machine the lot's next run goes.

    Raises:
        DocumentInvalid: The table of machine sizes is wrong; no run is asked for before it is corrected.
    """
    if platform.settings.profile != "production":
        return {}
    table = read_machines(platform.settings.machines)
    with platform.ledger.reading() as connection:
        machine = machine_for_lot(table, heaviest_job(connection, lot.key), runs=lot.attempt - 1)
    return {MACHINE_TAG: machine.size, _KUBERNETES_TAG: json.dumps(pod_configuration(table, machine))}
