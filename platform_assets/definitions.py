"""Everything Dagster loads: the assets, jobs, schedules and sensors of every repository and study in order."""

from collections.abc import Mapping

import dagster as dg

from biolake.platform import Platform
from biolake.repositories.catalog import RepositoryCatalog
from biolake.repositories.models import Repository
from biolake.settings import Settings
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.folder import StudyFolder
from platform_assets import jobs, repository, study
from platform_assets.checks import lot_checks
from platform_assets.history import history, history_schedule
from platform_assets.study_checks import study_checks
from platform_assets.study_jobs import study_jobs
from resources.lake_io_manager import LakeIOManager
from resources.platform import PlatformResource
from sensors.arrivals import arrival_sensor
from sensors.documents import documents_sensor
from sensors.incidents import incidents
from sensors.landing_events import landing_events
from sensors.studies import study_sensor


def build_definitions(
    repositories: RepositoryCatalog,
    studies: StudyFolder,
    resources: Mapping[str, object] | None = None,
    *,
    events: bool = False,
    notifications: bool = False,
) -> dg.Definitions:
    """The definitions of all documents; `resources` replaces those of the environment, for tests.

    Args:
        repositories: Their documents.
        studies: Theirs.
        resources: By name.
        events: Whether a queue tells what happens in the landing bucket.
        notifications: Whether a queue is told of failures.
    """
    parts = [_repository_definitions(one) for one in repositories]
    parts += [_study_definitions(one) for one in studies.studies.values()]
    parts += [dg.Definitions(assets=[study.refused(name, error)]) for name, error in studies.refused.items()]
    shared = dg.Definitions(
        jobs=[history],
        schedules=[history_schedule()],
        sensors=[
            documents_sensor(repositories, studies),
            *([landing_events] if events else []),
            *([incidents] if notifications else []),
        ],
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


def _study_definitions(one: StudyConfiguration) -> dg.Definitions:
    jobs_of_study = study_jobs(one)
    return dg.Definitions(
        assets=[
            *study.sources(one),
            study.study_catalog(one),
            study.biomarkers(one),
            study.subject_visits(one),
            study.report(one),
        ],
        asset_checks=study_checks(one),
        jobs=jobs_of_study,
        sensors=[study_sensor(one, jobs_of_study)],
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Read this deployment's documents and build its graph."""
    platform = Platform(Settings.from_environment())
    settings = platform.settings
    return build_definitions(
        platform.repositories,
        platform.studies,
        events=settings.events is not None,
        notifications=settings.notifications is not None,
    )
