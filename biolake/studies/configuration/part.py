"""What every part of a study's configuration is made of: its model, and the values that are checked where they stand.

The parts themselves are `file_types`, `metadata` and `pipelines`; the whole is `study`.
"""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from biolake.documents.validate import mistaken
from biolake.errors import BiolakeError
from biolake.studies.configuration.patterns import compiled, glob_expression
from biolake.studies.configuration.timezones import timezone_name

NAME = r"^[a-z][a-z0-9_]{0,39}$"


def _checked(check: object) -> AfterValidator:
    def validate(value: str) -> str:
        try:
            check(value)  # type: ignore[operator]
        except BiolakeError as error:
            raise mistaken(str(error)) from error
        return value

    return AfterValidator(validate)


def _iso_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise mistaken(f"`{value}` is no date.", "Write it as 2023-01-31.") from error
    return value


def _prefix(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise mistaken(
            f"`{value}` does not lie under the source's address.", "Write a folder under it, as `incoming/`."
        )
    return value if value == "" or value.endswith("/") else value + "/"


Regex = Annotated[str, Field(max_length=2000), _checked(compiled)]
Glob = Annotated[str, Field(min_length=1, max_length=500), _checked(glob_expression)]
Timezone = Annotated[str, _checked(timezone_name)]
Prefix = Annotated[str, AfterValidator(_prefix)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]
Name = Annotated[str, Field(pattern=NAME)]


class Part(BaseModel):
    """A part of a configuration: no key but those listed, nothing changed after it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
