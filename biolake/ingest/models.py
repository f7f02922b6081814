"""What became of the datasets of a lot."""

from dataclasses import dataclass, field

from biolake.ledger.models import Action, JobState


@dataclass(frozen=True)
class DatasetOutcome:
    """What became of one dataset of a lot.

    Attributes:
        state: RUNNING stands for stored in the lake and not yet in the index.
        cells_in: Values that the reader found.
        cells_out: Values that were handed to the lake.
    """

    job_id: str
    dataset_id: str
    action: Action
    state: JobState
    reason: str | None = None
    sha256: str | None = None
    format: str | None = None
    n_samples: int | None = None
    n_features: int | None = None
    cells_in: int | None = None
    cells_out: int | None = None


@dataclass(frozen=True)
class LotOutcome:
    """What became of a lot.

    Attributes:
        lake_versions: Version of each lake table after the lot, by table.
        seconds: Time by step: fetch, read, write, ledger.
    """

    lot: str
    manifest_sha256: str
    outcomes: tuple[DatasetOutcome, ...]
    lake_versions: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def of_state(self, *states: JobState) -> tuple[DatasetOutcome, ...]:
        """The outcomes in one of `states`."""
        return tuple(outcome for outcome in self.outcomes if outcome.state in states)
