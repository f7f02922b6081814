"""How a study's metadata files are read: columns with their types, units and ranges, and the rule for conflicts.

Reading the files by these rules is `biolake.studies.participants`; units are `units`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from biolake.documents.validate import mistaken
from biolake.studies.configuration.part import Glob, Name, Part, Regex
from biolake.studies.configuration.units import convert, unit
from biolake.studies.errors import UnknownUnit

ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class MetadataReader(Part):
    """The format of a metadata file."""

    format: Literal["csv"] = "csv"
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "cp1252"] = "utf-8"
    missing: tuple[str, ...] = Field(
        ("", "NA", "N/A", "NaN", "null", "NULL", "."), description="Cells that stand for no value"
    )


class MetadataColumn(Part):
    """One column: what it is called in the file and what a value may be."""

    from_: str = Field(alias="from", min_length=1, description="Its name in the file's first row")
    type: Literal["str", "int", "float", "enum", "bool", "date", "datetime", "timezone"]
    required: bool = Field(
        True, description="Whether a file without the column is rejected; an empty cell is waited for"
    )
    unit: str | None = Field(None, description="Unit of the values in the file")
    to_unit: str | None = Field(None, description="Unit they are converted to; that of the file where not said")
    min: float | None = Field(None, description="Smallest value, after conversion")
    max: float | None = Field(None, description="Largest value, after conversion")
    regex: Regex | None = Field(None, description="What a text must match as a whole")
    values: dict[str, str] | None = Field(None, description="For `enum`: value in the file: value in the study")

    @property
    def final_unit(self) -> str | None:
        """The unit of values after conversion."""
        return self.to_unit or self.unit

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        numeric = self.type in ("int", "float")
        if (self.unit or self.to_unit or self.min is not None or self.max is not None) and not numeric:
            raise mistaken(f"`unit`, `min` and `max` are for numbers, and the type is {self.type}.", "Remove them.")
        if self.type == "enum" and not self.values:
            raise mistaken("an enum needs its values.", "Add `values: {M: male, F: female}`.")
        if self.type != "enum" and self.values:
            raise mistaken(f"`values` are for an enum, and the type is {self.type}.", "Write `type: enum`.")
        if self.regex and self.type != "str":
            raise mistaken(f"`regex` is for text, and the type is {self.type}.", "Write `type: str` or remove it.")
        if self.to_unit and not self.unit:
            raise mistaken("`to_unit` needs the unit of the file.", "Add `unit`.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise mistaken(f"`min` {self.min:g} is more than `max` {self.max:g}.", "Exchange them.")
        try:
            if self.unit:
                convert(1.0, self.unit, unit(self.to_unit or self.unit).symbol)
        except UnknownUnit as error:
            raise mistaken(str(error)) from error
        return self


class MetadataFile(Part):
    """One kind of metadata file."""

    pattern: Glob = Field(description="Glob of its path under the source's address (not under a prefix)")
    source: Name
    reader: MetadataReader = MetadataReader()  # type: ignore[call-arg]
    key: tuple[Literal["subject", "visit"], ...] = Field(
        ("subject",), min_length=1, description="Columns that make a row unique; `subject` is one of them"
    )
    columns: dict[ColumnName, MetadataColumn] = Field(min_length=1)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if "subject" not in self.key:
            raise mistaken("the key does not hold `subject`.", "Write `key: [subject]` or `key: [subject, visit]`.")
        missing = [name for name in self.key if name not in self.columns]
        if missing:
            raise mistaken(f"the key column {', '.join(missing)} is not among the columns.", "Describe it there.")
        for name in self.key:
            if self.columns[name].type != "str":
                raise mistaken(
                    f"the key column {name} is not text, so `0012` and `12` would be one.", "Write `type: str`."
                )
        return self


class Metadata(Part):
    """What is known of the participants beside the recordings."""

    files: tuple[MetadataFile, ...] = ()
    on_conflict: Literal["error", "latest"] = Field(
        "error", description="Two values for one subject: an error, or the newest file's value"
    )

    @property
    def column_names(self) -> frozenset[str]:
        """Names of all columns of all files."""
        return frozenset(name for file in self.files for name in file.columns)

    def column(self, name: str) -> MetadataColumn | None:
        """Return the first description of a column."""
        return next((file.columns[name] for file in self.files if name in file.columns), None)
