"""Which machine a lot's or a recording's run asks for, in production; a local deployment has one machine."""

import dagster as dg

from biolake.environment.profiles import PRODUCTION
from biolake.ledger.lots import heaviest_job
from biolake.ledger.models import Lot
from biolake.machines.choose import machine_for_lot, machine_for_recording, read_machines
from biolake.platform import Platform
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import Recording
from biolake.studies.recordings.planned_memory import planned_memory
from resources.machine_tags import tags_of
from sensors.lost_runs import runs_out_of_memory


def machine_tags(platform: Platform, instance: dg.DagsterInstance, lot: Lot) -> dict[str, str]:
    """What tells Dagster on which machine the lot's next run goes.

    Raises:
        DocumentInvalid: The table of machine sizes is wrong; no run is asked for before it is corrected.
    """
    if platform.settings.profile != PRODUCTION:
        return {}
    table = read_machines(platform.settings.machines)
    with platform.ledger.reading() as connection:
        heaviest = heaviest_job(connection, lot.key)
    outgrown = runs_out_of_memory(instance, lot) if lot.attempt > 1 else 0
    return tags_of(table, machine_for_lot(table, heaviest, runs=lot.attempt - 1, outgrown=outgrown))


def recording_machine_tags(platform: Platform, study: StudyConfiguration, recording: Recording) -> dict[str, str]:
    """The same of a recording's next run; each attempt that crashed calls for the next size.

    Raises:
        DocumentInvalid: The table of machine sizes is wrong.
    """
    if platform.settings.profile != PRODUCTION:
        return {}
    table = read_machines(platform.settings.machines)
    planned = planned_memory(study, platform.study_engine, recording)
    return tags_of(table, machine_for_recording(table, planned, attempts=recording.attempts))
