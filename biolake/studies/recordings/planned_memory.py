"""The memory that processing a recording is planned with, known from its files' headers before any run begins."""

from sqlalchemy import Engine

from biolake.studies.catalog.evaluation import load_facts
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import Recording
from biolake.studies.results.recipe import processing_limits
from biolake.studies.tables import reading


def planned_memory(study: StudyConfiguration, engine: Engine, recording: Recording) -> int:
    """Return the bytes that the most demanding of the recording's pipelines is planned with.

    Pipelines of a recording run one after the other.
    """
    ids = {file.file_id for file in recording.files}
    with reading(engine) as connection:
        facts = load_facts(study.id, connection, recording=str(recording.key))
    scans = [file.scan for file in facts if file.file_id in ids and file.scan is not None]
    samples = sum(scan.n_samples_expected for scan in scans)
    limits = [processing_limits(study, recording, name) for name in recording.pipelines]
    return max((one.memory_bytes(samples) for one in limits), default=0)
