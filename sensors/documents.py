"""The sensor that notices a new, changed or removed document and reloads the definitions."""

import dagster as dg

from biolake.repositories.catalog import RepositoryCatalog
from sensors.reload import reload_definitions


def documents_sensor(loaded: RepositoryCatalog) -> dg.SensorDefinition:
    """Compare the documents with those that were loaded; reload when they differ.

    Args:
        loaded: The catalog that the running definitions were built from.
    """

    @dg.sensor(
        name="documents",
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Reloads the definitions when a repository's document appears, changes or goes. A wrong document is "
            "reported here with file, line and key, and the others keep working."
        ),
    )
    def documents(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = RepositoryCatalog.read(loaded.folder)
        for refused in now.refused:
            context.log.error(str(refused))
        if now.repositories == loaded.repositories:
            return dg.SkipReason(_say(now))
        reload_definitions()
        return dg.SkipReason("documents changed: definitions reloaded")

    return documents


def _say(catalog: RepositoryCatalog) -> str:
    if not catalog.refused:
        return f"{len(catalog.repositories)} repositories, unchanged"
    return f"{len(catalog.repositories)} repositories, unchanged; refused:\n" + "\n".join(map(str, catalog.refused))
