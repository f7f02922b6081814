"""What a repository's document says."""

import re
from typing import Annotated, Literal, Self

import re2
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from biolake.lake.schemas import DATASETS

Companion = Literal["samples", "metadata"]

RESERVED_NAMES = frozenset({"data_matrices", "information_schema", "pg_catalog", "main", "system", "temp", "studies"})

# Filled from the file itself, so that a field of that name would never be met. `accession` is a part of no table, but
# read as these are.
_OF_THE_FILE = frozenset(
    name for name in (*DATASETS.column_names, "accession") if name != "year" and not name.startswith("curated_")
)

# What the asset graph takes as an owner; another one would make it refuse all repositories.
_OWNER = re.compile(r"team:[A-Za-z0-9_-]+|[A-Za-z0-9_][A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MetadataField(_Strict):
    """One field that datasets' metadata documents may or must hold."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Name in SQL and search")]
    type: Literal["text", "integer", "float", "boolean"] = Field("text", description="Type of each value")
    array: bool = Field(False, description="Whether it holds a list of values")
    keyword: bool = Field(False, description="Matched as a whole, offered as a filter")
    curated: bool = Field(False, description="Filled by curation with ontology labels")
    required: bool = Field(False, description="Whether a dataset without it is refused")
    original_name: str | None = Field(None, description="Key in the metadata document, where it differs")
    description: str = Field("", description="What the field means, for people")

    @field_validator("name")
    @classmethod
    def _not_of_the_file(cls, value: str) -> str:
        if value in _OF_THE_FILE:
            raise ValueError(f"every dataset has `{value}` from its file already. Remove the field or rename it.")
        return value


class Repository(_Strict):
    """A collection of datasets with one place in the bucket, one id rule and one metadata schema."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Name in SQL, search and the asset graph")
    ]
    title: Annotated[str, Field(min_length=1, max_length=200, description="One line for people")]
    description: str = Field("", description="What the repository holds and whom to ask, in Markdown")
    prefix: str = Field("", description="Folder in the landing bucket; the name where empty")
    owners: tuple[str, ...] = Field((), description="E-mail addresses or `team:name`")
    data_types: tuple[str, ...] = Field((), description="Kinds of assay a dataset may have; any where empty")
    dataset_id: str = Field(
        r"^(?P<dataset_id>[A-Za-z0-9][A-Za-z0-9_.-]{0,127})$",
        description="RE2 expression on the file's name without its extensions; its group `dataset_id` is the id",
    )
    requires: tuple[Companion, ...] = Field((), description="Files a dataset waits for beside its data")
    priority: Literal["low", "medium", "high"] = Field("medium", description="Order of its jobs among repositories")
    metadata: tuple[MetadataField, ...] = Field((), description="The metadata schema")

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in RESERVED_NAMES:
            raise ValueError(f"`{value}` is reserved. Choose another name.")
        if value.startswith("study_"):
            raise ValueError("names that begin with `study_` are those of studies. Choose another name.")
        return value

    @field_validator("owners")
    @classmethod
    def _owners_of_assets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for owner in value:
            if not _OWNER.fullmatch(owner):
                raise ValueError(f"`{owner}` is no owner. Write an e-mail address, or team:name.")
        return value

    @field_validator("prefix")
    @classmethod
    def _clean_prefix(cls, value: str) -> str:
        clean = value.strip("/")
        if any(part in {"", ".", ".."} for part in clean.split("/")) and clean:
            raise ValueError("a folder path without `.`, `..` or empty parts is needed.")
        return clean

    @field_validator("dataset_id")
    @classmethod
    def _linear_expression(cls, value: str) -> str:
        quiet = re2.Options()
        quiet.log_errors = False
        try:
            expression = re2.compile(value, quiet)
        except re2.error as error:
            raise ValueError(
                f"not an RE2 expression ({error}). Look-around and back-references do not exist there."
            ) from error
        if "dataset_id" not in expression.groupindex:
            raise ValueError("the expression needs a group named dataset_id, as in ^(?P<dataset_id>GSE[0-9]+)$.")
        return value

    @model_validator(mode="after")
    def _unique_fields(self) -> Self:
        names = [field.name for field in self.metadata]
        renamed = [field.original_name for field in self.metadata if field.original_name not in {None, field.name}]
        keys = [*names, *renamed]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"metadata names {', '.join(twice)} twice, as name or original_name. Keep one of each.")
        return self

    @property
    def folder(self) -> str:
        """Folder in the landing bucket, without slashes at its ends."""
        return self.prefix or self.name
