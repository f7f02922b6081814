"""All that the tables of one recording and pipeline are made from besides the recording itself, kept with the results.

A recipe can be written down and read again, so that a result can be recomputed when the study has long moved on. It is
made from the study's configuration here; what it makes is `tables`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.pipelines import Exclusion, Pipeline
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import Recording, RecordingInputs, fingerprint
from biolake.studies.processing.models import Limits, RecordingLimits
from biolake.studies.recording_inputs import run_arguments

NO_VISIT = "no-visit"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RecipeFile(_Part):
    """One file of the recording.

    Attributes:
        source: Name of the study's source.
        uri: Where it was.
        key: Its path under the source's address.
        etag: The store's version of it.
        size: Bytes.
        sha256: Hash of its bytes.
    """

    source: str
    uri: str
    key: str
    etag: str
    size: int
    sha256: str


class RecipeStep(_Part):
    """One step of the pipeline: its name, its process, and what is kept of it (None: nothing)."""

    name: str
    process: str
    parameters: dict[str, Any]
    kept: str | None


class Recipe(_Part):
    """What a result is made from.

    Attributes:
        study: The study's id.
        subject: The participant.
        visit: Empty where file names say none.
        location: Where the device was worn, empty where file names do not say.
        recording: The recording's key.
        file_type: Its file type.
        pipeline: Name of the pipeline.
        run_key: Hash of `parts`.
        parts: Fingerprints of everything that the result depends on.
        recording_run_key: The catalog's run key of the recording, over all its pipelines.
        files: In the order they are read.
        arguments: What SKDH's run is told besides the file.
        metadata: The metadata values used.
        timezone: In which days are counted.
        clock: What times without a zone mean.
        steps: The pipeline's steps.
        windows: First hour and number of hours of days (`activity`) and nights (`sleep`).
        limits: What the study accepts of a recording and what it may cost.
        exclusion: The rules for days, nights and visits.
        flags: QC codes from the catalog.
        configuration_sha256: Hash of the study's configuration.
        pipeline_sha256: Hash of the pipeline's file.
        pipeline_text: The pipeline's file.
        runtime: Name of the runtime.
        runtime_sha256: Hash of all of the runtime that can change a result.
        skdh_version: SKDH's version in it.
    """

    study: str
    subject: str
    visit: str
    location: str
    recording: str
    file_type: str
    pipeline: str
    run_key: str
    parts: dict[str, str]
    recording_run_key: str
    files: tuple[RecipeFile, ...]
    arguments: dict[str, str | float | int]
    metadata: dict[str, str | float | int | bool | None]
    timezone: str
    clock: str = "device_local"
    steps: tuple[RecipeStep, ...]
    windows: dict[str, tuple[int, int]]
    limits: dict[str, Any]
    exclusion: Exclusion
    flags: tuple[str, ...]
    configuration_sha256: str
    pipeline_sha256: str
    pipeline_text: str
    runtime: str
    runtime_sha256: str
    skdh_version: str

    @property
    def files_sha256(self) -> str:
        """The file's hash; of several files the hash of theirs in order."""
        hashes = [file.sha256 for file in self.files]
        return hashes[0] if len(hashes) == 1 else fingerprint(hashes)

    @property
    def result(self) -> str:
        """What is replaced together in the lake: the recording and the pipeline."""
        return f"{self.recording}/{self.pipeline}"

    def step(self, *processes: str) -> RecipeStep | None:
        """Return the first step of one of these processes."""
        return next((step for step in self.steps if step.process in processes), None)

    def processing_limits(self) -> Limits:
        """Return the limits as processing takes them."""
        limits = dict(self.limits)
        recording = dict(limits.pop("recording"))
        if recording.get("min_date"):
            recording["min_date"] = datetime.fromisoformat(recording["min_date"])
        return Limits(**limits, recording=RecordingLimits(**recording))


def clock_of(study: StudyConfiguration, recording: Recording) -> str:
    """Return what a recording's times mean, `device_local` or `utc`."""
    return _file_type(study, recording).clock.kind


def processing_limits(study: StudyConfiguration, recording: Recording, pipeline: str) -> Limits:
    """Return what one recording may cost, and what the study accepts of it."""
    file_type = _file_type(study, recording)
    resources = study.document.pipelines[pipeline].resources
    rules, earliest = file_type.recording, file_type.clock.min_date
    return Limits(
        bytes_per_sample=resources.bytes_per_sample,
        seconds_per_mb=resources.timeout_seconds_per_mb,
        min_seconds=resources.timeout_min,
        retries=resources.retries,
        recording=RecordingLimits(
            min_hours=rules.min_hours or None,
            max_hours=rules.max_hours,
            max_gap_seconds=rules.max_gap_seconds,
            max_bad_block_fraction=rules.max_bad_block_fraction,
            min_date=datetime(earliest.year, earliest.month, earliest.day) if earliest else None,
        ),
    )


def run_inputs(study: StudyConfiguration, recording: Recording, pipeline: str) -> RecordingInputs:
    """Return the fingerprints of what the results of one pipeline depend on, and of nothing else.

    The catalog's fingerprints are over all pipelines of a recording; these are of one, so that a change of one pipeline
    leaves the results of the others as they are.
    """
    rules = study.document.pipelines[pipeline]
    file_type = _file_type(study, recording)
    parts = {
        "files": fingerprint([file.sha256 for file in recording.files]),
        "pipeline": study.pipeline_files[pipeline].sha256,
        "runtime": study.runtime_digests[pipeline],
        "metadata": fingerprint(
            {"values": _used(rules, recording), "timezone": recording.timezones[pipeline], "visit": _visit(recording)}
        ),
        "configuration": fingerprint(
            {
                "recording": file_type.recording.model_dump(mode="json", exclude={"quiet_hours"}),
                "clock": file_type.clock.kind,
                "days": study.document.days.model_dump(mode="json"),
                "pass": dict(rules.pass_),
                "outputs": dict(rules.outputs),
            }
        ),
    }
    return RecordingInputs(parts)


def run_key(study: StudyConfiguration, recording: Recording, pipeline: str) -> str:
    """Return the hash of everything that the results of a pipeline depend on: equal keys need no new computation."""
    return run_inputs(study, recording, pipeline).run_key


def recipe(study: StudyConfiguration, recording: Recording, pipeline: str) -> Recipe:
    """Return all that the results of a recording and pipeline are made from."""
    rules = study.document.pipelines[pipeline]
    file = study.pipeline_files[pipeline]
    inputs = run_inputs(study, recording, pipeline)
    limits = processing_limits(study, recording, pipeline)
    earliest = limits.recording.min_date
    return Recipe(
        study=study.id,
        subject=recording.subject,
        visit=_visit(recording),
        location=recording.groups.get("location", ""),
        recording=str(recording.key),
        file_type=recording.key.file_type,
        pipeline=pipeline,
        run_key=inputs.run_key,
        parts=dict(inputs.parts),
        recording_run_key=recording.inputs.run_key,
        files=tuple(
            RecipeFile(
                source=entry.source,
                uri=_uri(study, entry.source, entry.key),
                key=entry.key,
                etag=entry.etag,
                size=entry.size,
                sha256=entry.sha256,
            )
            for entry in recording.files
        ),
        arguments=run_arguments(study, recording, pipeline),
        metadata=_used(rules, recording),
        timezone=recording.timezones[pipeline],
        clock=clock_of(study, recording),
        steps=tuple(
            RecipeStep(
                name=step.name,
                process=step.process.name,
                parameters=dict(step.parameters),
                kept=rules.outputs.get(step.name) or rules.outputs.get(step.process.name),
            )
            for step in file.steps
        ),
        windows={"activity": study.document.days.activity_window, "sleep": study.document.days.sleep_window},
        limits={
            **{name: value for name, value in vars(limits).items() if name != "recording"},
            "recording": {**vars(limits.recording), "min_date": earliest.isoformat() if earliest else None},
        },
        exclusion=study.document.exclusion,
        flags=recording.flags,
        configuration_sha256=study.sha256,
        pipeline_sha256=file.sha256,
        pipeline_text=file.content.decode(),
        runtime=rules.runtime,
        runtime_sha256=study.runtime_digests[pipeline],
        skdh_version=rules.runtime_name.skdh_version,
    )


def results_prefix(template: str, made: Recipe) -> str:
    """Return the folder of a result below the study's results, `/` at its end; names cannot lead out of it."""
    return (
        template.format(
            study=_segment(made.study),
            subject=_segment(made.subject),
            visit=_segment(made.visit or NO_VISIT),
            recording=_segment(made.recording),
            pipeline=_segment(made.pipeline),
            run_key=made.run_key,
        ).rstrip("/")
        + "/"
    )


def _segment(text: str) -> str:
    return quote(text, safe=" ~").replace(".", "%2E") or "_"


def _visit(recording: Recording) -> str:
    return recording.groups.get("visit", "")


def _used(rules: Pipeline, recording: Recording) -> dict[str, str | float | int | bool | None]:
    values: Mapping[str, object] = recording.metadata
    return {
        name: value if isinstance(value, str | float | int | bool) or value is None else str(value)
        for name in rules.used_columns
        for value in (values.get(name),)
    }


def _file_type(study: StudyConfiguration, recording: Recording) -> FileType:
    found = study.file_type(recording.key.file_type)
    assert found is not None
    return found


def _uri(study: StudyConfiguration, source: str, key: str) -> str:
    found = study.source(source)
    return f"{found.uri.rstrip('/')}/{key}" if found is not None else key
