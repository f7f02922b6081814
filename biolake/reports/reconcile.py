"""The proof that bucket = ledger = lake = index. What is done where they differ is in `biolake.reports.repair`."""

# pyarrow makes its compute functions at import, out of pyright's sight.
# pyright: reportAttributeAccessIssue=false

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from biolake.arrivals.observe import list_folder
from biolake.lake.schemas import DATASETS, FEATURES, MATRIX, SAMPLES, TableSchema
from biolake.ledger.current import current_datasets
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, Part
from biolake.ledger.objects import datasets_with_objects, known_etags, live_parts
from biolake.platform import Platform
from biolake.repositories.models import Repository


@dataclass(frozen=True)
class Difference:
    """One disagreement.

    Attributes:
        between: Which two stores disagree, such as `lake and index`.
        name: The object's key or the dataset's id.
        problem: What is wrong.
    """

    between: str
    name: str
    problem: str


@dataclass(frozen=True)
class Reconciliation:
    """What the comparison of one repository found.

    Attributes:
        in_work: Jobs that have not ended; what they are about is not compared.
        errored: Datasets whose newest job errored; no difference, but told. Those that the lake shows in an older
            version say so.
        repaired: What was asked for or done about the differences.
    """

    repository: str
    objects: int
    datasets: int
    documents: int
    in_work: int
    errored: tuple[str, ...]
    differences: tuple[Difference, ...]
    repaired: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether all stores agree."""
        return not self.differences


def reconcile(platform: Platform, repository: Repository, *, rows: bool = True) -> Reconciliation:
    """Compare a repository's objects, jobs, datasets and documents.

    Args:
        platform: The deployment.
        repository: Whose stores are compared.
        rows: Also count the rows of every table, and what the change feed tells, against the datasets.

    Raises:
        StoreUnavailable: The bucket cannot be listed.
        LakeUnavailable: A table cannot be opened.
    """
    found = {key: version.etag for key, version in list_folder(repository, platform.bucket).items()}
    with platform.ledger.reading() as connection:
        known = known_etags(connection, repository.name)
        current = current_datasets(connection, repository.name)
        jobs = find_jobs(connection, repository.name)
        live = live_parts(connection, repository.name, sorted(datasets_with_objects(connection, repository.name)))
    newest: dict[str, Job] = {job.dataset_id: job for job in jobs if not _refused(job)}
    busy = {job.dataset_id for job in jobs if job.state not in ENDED}
    lake = _lake_versions(platform, repository.name)
    documents = platform.index.versions(repository.name)
    differences = [
        *_bucket_and_ledger(found, known),
        *_bucket_and_datasets(live, current, newest, busy),
        *_never_asked_for(live, {job.dataset_id for job in jobs}),
        *_ledger_and_lake(current, lake, busy),
        *_lake_and_index(lake, documents, busy),
    ]
    if rows:
        differences += _rows(platform, repository.name, lake)
        differences += _change_feed(platform, repository.name)
    errored = sorted(
        f"{dataset_id} (shown in an older version)" if dataset_id in current else dataset_id
        for dataset_id, job in newest.items()
        if job.state == JobState.ERRORED
    )
    return Reconciliation(
        repository.name, len(found), len(lake), len(documents), len(busy), tuple(errored), tuple(differences)
    )


def _refused(job: Job) -> bool:
    return job.state == JobState.ERRORED and job.lot is None


def _bucket_and_ledger(found: dict[str, str], known: dict[str, str]) -> list[Difference]:
    between = "bucket and ledger"
    changed = [
        Difference(between, key, "not recorded yet" if key not in known else "a newer version is not recorded yet")
        for key, etag in found.items()
        if known.get(key) != etag
    ]
    return changed + [
        Difference(between, key, "recorded, but no longer in the bucket") for key in known if key not in found
    ]


def _bucket_and_datasets(
    live: dict[str, list[Part]],
    current: dict[str, CurrentDataset],
    newest: dict[str, Job],
    busy: set[str],
) -> list[Difference]:
    differences: list[Difference] = []
    for dataset_id, job in newest.items():
        if dataset_id in busy:
            continue
        there = {part.version.key for part in live.get(dataset_id, [])}
        shown = current.get(dataset_id)
        if shown is None and job.state in {JobState.SUCCESS, JobState.NO_CHANGE} and job.data_key in there:
            differences.append(Difference("bucket and lake", dataset_id, "its job succeeded, but it is not shown"))
        elif shown is not None and shown.data_key not in there:
            differences.append(Difference("bucket and lake", dataset_id, "shown, but its object is gone"))
        elif shown is not None and job.state == JobState.SUCCESS and shown.source_version != job.source_version:
            differences.append(Difference("bucket and lake", dataset_id, "an older version than the newest is shown"))
        elif job.state == JobState.CANCELLED and job.data_key in there and job.action != Action.DELETE:
            problem = "its newest job was called off, but its object is there"
            differences.append(Difference("bucket and lake", dataset_id, problem))
    return differences


def _never_asked_for(live: dict[str, list[Part]], asked: set[str]) -> list[Difference]:
    return [
        Difference("bucket and lake", dataset_id, "in the bucket, but without any job")
        for dataset_id, parts in live.items()
        if parts and dataset_id not in asked
    ]


def _ledger_and_lake(
    current: dict[str, CurrentDataset], lake: dict[str, tuple[str, dict[str, int]]], busy: set[str]
) -> list[Difference]:
    between = "ledger and lake"
    differences = [
        Difference(
            between, name, "in the ledger, not in the lake" if name not in lake else "another version in the lake"
        )
        for name, shown in current.items()
        if name not in busy and (name not in lake or lake[name][0] != shown.lot)
    ]
    return differences + [
        Difference(between, name, "in the lake, not in the ledger")
        for name in lake
        if name not in current and name not in busy
    ]


def _lake_and_index(
    lake: dict[str, tuple[str, dict[str, int]]], documents: dict[str, str], busy: set[str]
) -> list[Difference]:
    between = "lake and index"
    differences = [
        Difference(between, name, "not in the index" if name not in documents else "another version in the index")
        for name, (lot, _) in lake.items()
        if name not in busy and documents.get(name) != lot
    ]
    return differences + [
        Difference(between, name, "in the index, not in the lake")
        for name in documents
        if name not in lake and name not in busy
    ]


def _lake_versions(platform: Platform, repository: str) -> dict[str, tuple[str, dict[str, int]]]:
    """By dataset: its shown lot and how many rows each table must have of it."""
    table = platform.lake.find(repository, DATASETS.name)
    if table is None:
        return {}
    columns = ["dataset_id", "lot", "n_samples", "n_features", "layers"]
    return {
        row["dataset_id"]: (
            row["lot"],
            {
                DATASETS.name: 1,
                SAMPLES.name: row["n_samples"],
                FEATURES.name: row["n_features"],
                MATRIX.name: row["n_features"] * len(row["layers"] or []),
            },
        )
        for row in table.to_pyarrow_dataset().to_table(columns=columns).to_pylist()
    }


def _rows(platform: Platform, repository: str, lake: dict[str, tuple[str, dict[str, int]]]) -> list[Difference]:
    differences: list[Difference] = []
    for schema in (DATASETS, SAMPLES, FEATURES, MATRIX):
        counted = _count_rows(platform, repository, schema)
        if schema is DATASETS:
            versions = Counter(dataset_id for dataset_id, _ in counted)
            differences += [
                Difference("rows", dataset_id, f"{count} versions of it are shown")
                for dataset_id, count in versions.items()
                if count > 1
            ]
        for dataset_id, (lot, expected) in lake.items():
            rows = counted.get((dataset_id, lot), 0)
            if rows != expected[schema.name]:
                problem = f"{schema.name} has {rows} rows of it, {expected[schema.name]} are right"
                differences.append(Difference("rows", dataset_id, problem))
    return differences


def _count_rows(platform: Platform, repository: str, schema: TableSchema) -> dict[tuple[str, str], int]:
    table = platform.lake.find(repository, schema.name)
    if table is None:
        return {}
    rows = table.to_pyarrow_dataset().to_table(columns=["dataset_id", "lot"])
    counted = rows.group_by(["dataset_id", "lot"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["dataset_id"], row["lot"]): row["count_all"] for row in counted}


def _change_feed(platform: Platform, repository: str) -> list[Difference]:
    """Every version of a dataset must have been inserted once, in what is left of the change feed too."""
    table = platform.lake.find(repository, DATASETS.name)
    if table is None:
        return []
    feed = table.load_cdf(
        starting_version=_first_whole_version(table),
        columns=["dataset_id", "lot", "_change_type"],
        allow_out_of_range=True,
    ).read_all()
    # The feed comes with string views, for which Arrow lacks most kernels.
    names = ["dataset_id", "lot", "_change_type"]
    changes = pa.table(feed).select(names).cast(pa.schema([(name, pa.string()) for name in names]))
    inserted = changes.filter(pc.equal(changes.column("_change_type"), "insert"))
    counted = inserted.group_by(["dataset_id", "lot"]).aggregate([([], "count_all")]).to_pylist()
    return [
        Difference("rows", row["dataset_id"], f"the change feed inserts lot {row['lot']} {row['count_all']} times")
        for row in counted
        if row["count_all"] > 1
    ]


def _first_whole_version(table: DeltaTable) -> int:
    """The first version whose changes a vacuum has left in place."""
    history = table.history()
    vacuums = [entry for entry in history if entry["operation"] == "VACUUM START"]
    since = max((entry["timestamp"] - _retention(entry["operationParameters"]) for entry in vacuums), default=0)
    kept = [entry["version"] for entry in history if entry["timestamp"] > since]
    return min(kept, default=table.version())


def _retention(parameters: Mapping[str, str]) -> int:
    return int(parameters.get("specifiedRetentionMillis") or parameters["defaultRetentionMillis"])
