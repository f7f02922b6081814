"""The one model of what a deployment is told: places, engines, limits. docs/settings.md is its table.

How variables are read is in `biolake.environment`. No message from here repeats a value that may hold a secret.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from biolake.environment.errors import InvalidSetting
from biolake.environment.read import Reading, read_environment
from biolake.environment.variables import variable_of


class Settings(BaseModel):
    """The deployment's places, engines and limits. Every field is one environment variable `BIOLAKE_<NAME>`.

    A secret may be in a file that `BIOLAKE_<NAME>_FILE` names instead. What is not set lies under `home`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Literal["local", "production"] = Field(
        "local", description="Whether this machine is enough, or the engines that the other settings name are used"
    )
    home: Path = Field(description="State folder: documents of repositories and studies; locally everything else too")
    landing: str = Field(description="Where data owners upload: one folder per repository")
    lake: str = Field(description="Where the Delta tables are")
    ledger: str = Field(description="SQLAlchemy URL of the ledger, SQLite or PostgreSQL")
    ledger_password: SecretStr | None = Field(None, description="Password of the ledger's user, where the URL has none")
    ledger_connections: int = Field(
        5, ge=2, le=100, description="Most connections that one process keeps to a ledger in PostgreSQL"
    )
    ledger_recycle_seconds: float = Field(
        1800.0, gt=0, description="Age at which a connection to PostgreSQL is replaced"
    )
    ledger_wait_seconds: float = Field(
        30.0, ge=0, description="How long a transaction waits for a PostgreSQL that is gone before it is given up"
    )
    index: str = Field(description="The search index: a file or s3 URL for the embedded one, http(s) for OpenSearch")
    index_name: str = Field(
        "biolake", pattern=r"^[a-z0-9][a-z0-9_-]{0,60}$", description="What OpenSearch's index names begin with"
    )
    index_user: str | None = Field(None, description="OpenSearch user")
    index_password: SecretStr | None = Field(None, description="Password of the OpenSearch user")
    index_ca: Path | None = Field(None, description="File of the authority that signed OpenSearch's certificate")
    index_shards: int = Field(
        1,
        ge=1,
        le=100,
        description="Shards of an OpenSearch index that is created or rebuilt; one for each 30 GB or so",
    )
    index_vector_dimension: int = Field(
        0, ge=0, le=16_000, description="Length of the embeddings that the search index holds; 0 for none"
    )
    events: str | None = Field(None, description="URL of the SQS queue with the landing bucket's events")
    events_visibility_seconds: int = Field(
        60, ge=5, le=43_200, description="How long a received event is hidden from other consumers, renewed in work"
    )
    listing_minutes: float = Field(
        60.0, ge=0, description="How often a repository's folder is listed to find what no event told, with events on"
    )
    notifications: str | None = Field(None, description="URL of the SQS queue that takes notifications for people")
    trino_url: str | None = Field(
        None, description="Trino that answers SQL; where it is not set, the embedded engine does"
    )
    trino_user: str = Field("biolake", min_length=1, description="Trino user")
    trino_password: SecretStr | None = Field(None, description="Password of the Trino user, over https only")
    trino_ca: Path | None = Field(None, description="File of the authority that signed Trino's certificate")
    trino_catalog: str = Field(
        "lake",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Trino's delta_lake catalog in which the lake's tables are registered",
    )
    ui_url: str | None = Field(
        None, description="Address of Dagster's UI, through which changed documents are loaded; `biolake up` sets it"
    )
    settle_seconds: float = Field(2.0, ge=0, description="An object must be this old before it is read")
    lot_datasets: int = Field(1000, ge=1, le=10_000, description="Most datasets in a lot")
    lot_bytes: int = Field(4 * 1024**3, ge=1, description="Most bytes in a lot of more than one dataset")
    lot_wait_seconds: float = Field(0.0, ge=0, description="How long an arrival may wait for its lot to fill")
    active_lots: int = Field(2, ge=1, description="Lots of one repository that may be in work at once")
    memory_bytes: int = Field(
        0, ge=0, description="Memory that recordings may be planned with; 80 % of the machine's or container's if 0"
    )
    runtimes: Path | None = Field(None, description="Folder of locked runtimes; the project's own where not set")
    runtime_cache: Path = Field(
        Path("~/.cache/biolake/runtimes"), validate_default=True, description="Where locked runtimes are built"
    )
    machines: Path | None = Field(
        None, description="File of the cluster's machine sizes; the project's own table where not set"
    )
    image: str | None = Field(
        None,
        min_length=1,
        description="The container image that this process is, recorded with what it makes; set for the pods of runs",
    )
    pair_hours: float = Field(72.0, gt=0, description="How long a dataset waits for its missing files")
    history_days: int = Field(
        90, ge=7, description="How long the logs of runs and replaced object versions are remembered"
    )
    silent_seconds: float = Field(45.0, ge=10, description="A run that has said nothing for so long counts as dead")

    @field_validator("home", "runtime_cache")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("index_ca", "machines", "trino_ca")
    @classmethod
    def _file_that_is_there(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        found = value.expanduser().resolve()
        if not found.is_file():
            raise ValueError(f"there is no file {found}")
        return found

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *, home: Path | None = None) -> Self:
        """Read the settings from `environment` (the process's own by default).

        Args:
            environment: Variables to read instead of `os.environ`.
            home: Overrides `BIOLAKE_HOME`; `.biolake` in the current folder where neither says.

        Raises:
            InvalidSetting: With a line for every variable that is wrong.
        """
        return cls.with_origins(environment, home=home)[0]

    @classmethod
    def with_origins(
        cls, environment: Mapping[str, str] | None = None, *, home: Path | None = None
    ) -> tuple[Self, dict[str, str]]:
        """Do as `from_environment`, and say by field where its value comes from.

        Raises:
            InvalidSetting: With a line for every variable that is wrong.
        """
        reading = read_environment(cls.model_fields, os.environ if environment is None else environment, home)
        settings = cls._made(reading)
        if settings is None or reading.problems:
            lines = (f"{variable}: {problem}" for variable, problem in reading.problems.items())
            raise InvalidSetting("\n".join(lines))
        return settings, {name: reading.origins.get(name, "default") for name in cls.model_fields}

    @classmethod
    def _made(cls, reading: Reading) -> Self | None:
        """The settings; where a value is wrong none, and the reading has the problems."""
        try:
            return cls.model_validate(reading.values)
        except ValidationError as error:
            # Not chained: the cause would hold the values, secrets among them.
            for one in error.errors(include_input=False, include_url=False):
                name = str(one["loc"][0])
                said = one["msg"].removeprefix("Value error, ")
                problem = f"{said[:1].lower()}{said[1:]}. Correct or unset it."
                reading.problems.setdefault(variable_of(name), problem)
            return None
