"""A recording put together from its files and its participant: what processing gets, and what its results depend on.

Which recordings may be processed is decided by `catalog.judgement`; starting and ending it is `recordings.progress`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import FileFacts
from biolake.studies.models import Recording, RecordingInputs, fingerprint
from biolake.studies.participants.requirements import timezones, used_values
from biolake.studies.participants.store import Participants


def in_order(files: Sequence[FileFacts]) -> list[FileFacts]:
    """Return the files of a recording by their start, then by name."""

    def start(file: FileFacts) -> tuple[datetime, str]:
        begun = file.scan.start if file.scan is not None and file.scan.start is not None else datetime.min
        return (begun.replace(tzinfo=None), file.key)

    return sorted(files, key=start)


def recording_inputs(
    study: StudyConfiguration, file_type: FileType, files: Sequence[FileFacts], participants: Participants
) -> RecordingInputs:
    """Return the fingerprints of everything that a recording's results depend on, and of nothing else."""
    values = used_values(study, file_type, files[0], participants)
    parts: dict[str, str] = {
        "files": fingerprint([file.sha256 for file in in_order(files)]),
        "configuration": study.configuration_fingerprints[file_type.name],
        "metadata": fingerprint({"values": values, "timezones": timezones(study, file_type, values)}),
    }
    return RecordingInputs({**parts, **_pipelines(study, file_type)})


def run_arguments(study: StudyConfiguration, recording: Recording, pipeline: str) -> dict[str, str | float | int]:
    """Return what a pipeline's run is told besides the file: `tz_name`, and what the study passes of the metadata."""
    arguments: dict[str, str | float | int] = {"tz_name": recording.timezones[pipeline]}
    for argument, reference in study.document.pipelines[pipeline].pass_.items():
        value = recording.metadata[reference.removeprefix("metadata.")]
        assert isinstance(value, str | float | int)
        arguments[argument] = value
    return arguments


def _pipelines(study: StudyConfiguration, file_type: FileType) -> Mapping[str, str]:
    parts: dict[str, str] = {}
    for name in file_type.pipelines:
        parts[f"pipeline {name}"] = study.pipeline_files[name].sha256
        parts[f"runtime {name}"] = study.runtime_digests[name]
    return parts
