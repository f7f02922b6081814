"""The sensor that notices a new, changed or removed document and reloads the definitions."""

import os
from datetime import UTC, datetime

import dagster as dg

from biolake.platform import Platform, opened
from biolake.repositories.catalog import RepositoryCatalog
from biolake.settings import Settings
from biolake.studies.catalog.study_record import record_configuration_error
from biolake.studies.folder import StudyFolder
from biolake.studies.notifications.queue import deliver_due
from sensors.reload import reload_definitions


def documents_sensor(repositories: RepositoryCatalog, studies: StudyFolder) -> dg.SensorDefinition:
    """Compare the documents with those that were loaded; reload when they differ.

    Args:
        repositories: What the running definitions were built from.
        studies: The same of studies.
    """

    @dg.sensor(
        name="documents",
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Reloads the definitions when the document of a repository or of a study appears, changes or goes. A wrong "
            "document is reported here with file, line and key, and the others keep working."
        ),
    )
    def documents(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        with opened(Settings.from_environment()) as here:
            now_repositories, now_studies = here.repositories, here.studies
            _tell(here, now_studies)
        refused = [str(error) for error in (*now_repositories.refused, *now_studies.refused.values())]
        for message in refused:
            context.log.error(message)
        same = now_repositories.repositories == repositories.repositories
        if same and now_studies.fingerprint == studies.fingerprint:
            return dg.SkipReason(_say(len(repositories.repositories), len(studies.studies), refused))
        reload_definitions()
        return dg.SkipReason("documents changed: definitions reloaded")

    return documents


def _tell(here: Platform, studies: StudyFolder) -> None:
    """Record and tell, once each, the mistakes of studies that are refused: their own sensors do not run."""
    now = datetime.now(UTC)
    for name, error in studies.refused.items():
        record_configuration_error(name, error, here.study_engine, now)
    if studies.refused:
        deliver_due(here.study_engine, here.settings.notifications, os.environ, now)


def _say(repositories: int, studies: int, refused: list[str]) -> str:
    said = f"{repositories} repositories and {studies} studies, unchanged"
    return said if not refused else said + "; refused:\n" + "\n".join(refused)
