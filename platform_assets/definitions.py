"""Everything Dagster loads: the assets, jobs, schedules and sensors of every repository whose document is in order."""

from collections.abc import Mapping

import dagster as dg

from biolake.repositories.catalog import RepositoryCatalog
from biolake.repositories.models import Repository
from biolake.settings import Settings
from platform_assets import jobs, repository
from platform_assets.checks import lot_checks
from resources.lake_io_manager import LakeIOManager
from resources.platform import PlatformResource
from sensors.arrivals import arrival_sensor
from sensors.documents import documents_sensor


def build_definitions(catalog: RepositoryCatalog, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """The definitions of a catalog of repositories; `resources` replaces those of the environment, for tests."""
    parts = [_repository_definitions(one) for one in catalog]
    shared = dg.Definitions(
        sensors=[documents_sensor(catalog)],
        resources={"platform": PlatformResource(), "lake_io_manager": LakeIOManager(), **(resources or {})},
    )
    return dg.Definitions.merge(shared, *parts)


def _repository_definitions(one: Repository) -> dg.Definitions:
    stored = repository.datasets(one)
    checks = lot_checks(one, stored.key)
    job = jobs.lot_job(one, checks)
    return dg.Definitions(
        assets=[
            repository.landing(one),
            stored,
            repository.search_documents(one),
            repository.repository_summary(one),
            repository.upkeep(one),
        ],
        asset_checks=[checks],
        jobs=[job],
        schedules=jobs.schedules(one),
        sensors=[arrival_sensor(one, job)],
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Read this deployment's documents and build its graph."""
    return build_definitions(RepositoryCatalog.read(Settings.from_environment().home / "repositories"))
