"""A repository in numbers: what it holds, how it grew, what failed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from biolake.lake.schemas import DATASETS
from biolake.ledger.jobs import count_jobs, find_jobs
from biolake.ledger.models import JobState
from biolake.ledger.objects import ignored_objects
from biolake.platform import Platform


@dataclass(frozen=True)
class RepositorySummary:
    """A repository at one moment.

    Attributes:
        table: One row: when, and the counts below.
        growth: `day`, `datasets` (added that day), `total`.
        by: Number of datasets by value of `organism`, `data_type`, `format`.
        jobs: Number of jobs by state.
        failures: The newest errored jobs: `dataset_id`, `when`, `reason`.
        ignored: Objects that belong to no dataset: key and reason.
    """

    repository: str
    table: pl.DataFrame
    growth: pl.DataFrame
    by: dict[str, list[tuple[str, int]]]
    jobs: dict[JobState, int]
    failures: pl.DataFrame
    ignored: list[tuple[str, str]]


def summarise(platform: Platform, repository: str, *, most_failures: int = 50) -> RepositorySummary:
    """Count what the repository holds now.

    Raises:
        LakeUnavailable: Its tables cannot be opened.
    """
    table = platform.lake.find(repository, DATASETS.name)
    columns = ["dataset_id", "organism", "data_type", "format", "n_samples", "n_features", "n_values", "ingested_at"]
    rows = DATASETS.arrow.empty_table().select(columns) if table is None else table.to_pyarrow_table(columns=columns)
    frame = pl.DataFrame(rows)
    with platform.ledger.reading() as connection:
        jobs = count_jobs(connection, repository)
        errored = find_jobs(connection, repository, states=[JobState.ERRORED], newest=most_failures)
        ignored = ignored_objects(connection, repository)
    growth = (
        frame.group_by(pl.col("ingested_at").dt.date().alias("day"))
        .agg(pl.len().alias("datasets"))
        .sort("day")
        .with_columns(pl.col("datasets").cum_sum().alias("total"))
    )
    return RepositorySummary(
        repository,
        pl.DataFrame(
            {
                "summarised_at": [datetime.now(UTC)],
                "datasets": [frame.height],
                "samples": [int(frame["n_samples"].sum())],
                "features": [int(frame["n_features"].sum())],
                "matrix_values": [int(frame["n_values"].sum())],
                "jobs_errored": [jobs.get(JobState.ERRORED, 0)],
            }
        ),
        growth,
        {
            "organism": _counted(
                organism for organisms in frame["organism"].to_list() for organism in organisms or ["—"]
            ),
            "data_type": _counted(frame["data_type"].fill_null("—").to_list()),
            "format": _counted(frame["format"].to_list()),
        },
        jobs,
        pl.DataFrame(
            {
                "dataset_id": [job.dataset_id for job in errored],
                "when": [job.ended_at for job in errored],
                "reason": [job.reason for job in errored],
            },
            schema={"dataset_id": pl.String, "when": pl.Datetime("us", "UTC"), "reason": pl.String},
        ),
        ignored,
    )


def _counted(values: Iterable[str]) -> list[tuple[str, int]]:
    return Counter(values).most_common(20)
