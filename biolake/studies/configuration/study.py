"""A study's configuration as a whole: the document's model, and the configuration it becomes once all checks passed.

Reading a file into it is `load`; checks that look at several parts at once are `consistency`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from biolake.studies.configuration.file_types import FileType, Source
from biolake.studies.configuration.metadata import Metadata
from biolake.studies.configuration.part import Name, Part, Timezone
from biolake.studies.configuration.pipelines import Days, Exclusion, Pipeline, Results, Waiting
from biolake.studies.models import fingerprint
from biolake.studies.pipeline_files.read import PipelineFile


class StudyHeading(Part):
    """Which study this is."""

    id: str = Field(
        pattern=r"^[A-Z0-9][A-Z0-9_-]{2,39}$", description="Unique in the deployment: capitals, digits, `-` and `_`"
    )
    title: str = Field(min_length=1, max_length=200, description="One line for lists and reports")
    status: Literal["active", "locked"] = Field("active", description="`locked`: files are listed, none is processed")
    timezone_default: Timezone = Field(description="IANA name of the time zone where nothing else says one")
    expected_subjects: int | None = Field(None, ge=1, description="Planned enrolment, for the report")


class StudyDocument(Part):
    """The configuration of one study: where its recordings are, what they must be like, what is computed from them."""

    model_config = ConfigDict(title="Biolake study configuration", frozen=True, extra="forbid")

    schema_version: Literal[1] = Field(description="Version of this format")
    study: StudyHeading
    sources: tuple[Source, ...] = Field(min_length=1)
    metadata: Metadata = Metadata()  # type: ignore[call-arg]
    file_types: tuple[FileType, ...] = Field(min_length=1)
    pipelines: dict[Name, Pipeline] = Field(min_length=1)
    waiting: Waiting = Waiting()  # type: ignore[call-arg]
    days: Days = Days()  # type: ignore[call-arg]
    exclusion: Exclusion = Exclusion()  # type: ignore[call-arg]
    results: Results


@dataclass(frozen=True)
class StudyConfiguration:
    """A study's configuration with everything it names, checked.

    Attributes:
        document: What the document says.
        location: The document's file.
        sha256: Hash of the document's bytes; recorded with every result.
        text: The document itself, for the record.
        pipeline_files: The saved pipelines by the pipeline's name.
        runtime_digests: What each pipeline's runtime is, as a hash of all that can change a result.
    """

    document: StudyDocument
    location: Path
    sha256: str
    text: str
    pipeline_files: Mapping[str, PipelineFile]
    runtime_digests: Mapping[str, str]

    @property
    def id(self) -> str:
        """The study's id."""
        return self.document.study.id

    @property
    def locked(self) -> bool:
        """Whether nothing new is processed."""
        return self.document.study.status == "locked"

    def file_type(self, name: str) -> FileType | None:
        """Return a file type by its name."""
        return next((file_type for file_type in self.document.file_types if file_type.name == name), None)

    def source(self, name: str) -> Source | None:
        """Return a source by its name."""
        return next((source for source in self.document.sources if source.name == name), None)

    @cached_property
    def configuration_fingerprints(self) -> Mapping[str, str]:
        """By file type, the fingerprint of what its results depend on in this document, and of nothing else.

        Titles, sources, waiting and the place of results do not change a result, nor does another file type. Exclusion
        rules change only the summaries, which are made from the results of all recordings each time.
        """
        return {file_type.name: self._fingerprint(file_type) for file_type in self.document.file_types}

    @cached_property
    def rules_sha256(self) -> str:
        """Hash of everything that can change a verdict on a file: the document, its pipelines and their runtimes."""
        pipelines = {name: file.sha256 for name, file in self.pipeline_files.items()}
        return fingerprint([self.sha256, pipelines, dict(self.runtime_digests)])

    def _fingerprint(self, file_type: FileType) -> str:
        document = self.document
        parts = {
            "file_type": file_type.model_dump(mode="json", exclude={"source", "pattern", "filename_regex"}),
            "timezone_default": document.study.timezone_default,
            "days": document.days.model_dump(mode="json"),
            "pipelines": {
                name: document.pipelines[name].model_dump(mode="json", exclude={"resources", "runtime", "file"})
                for name in file_type.pipelines
            },
        }
        return fingerprint(parts)
