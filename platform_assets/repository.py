"""The assets of one repository, made from its document."""

import dagster as dg

from biolake.ingest.index_lot import index_lot
from biolake.ingest.store_lot import store_lot
from biolake.lake.maintain import maintain
from biolake.lake.schemas import DATASETS
from biolake.ledger.lots import open_lots
from biolake.platform import code_version
from biolake.reports.repository_summary import summarise
from biolake.repositories.models import Repository
from partitions.lots import lots_of
from platform_assets.lot_metadata import column_schema, lot_metadata
from platform_assets.summary_metadata import summary_metadata
from resources.platform import PlatformResource


def landing(repository: Repository) -> dg.AssetSpec:
    """The objects that data owners upload: seen by the platform, not made by it."""
    return dg.AssetSpec(
        [repository.name, "landing"],
        group_name=repository.name,
        description=(
            f"Files that data owners upload to the folder `{repository.folder}` of the landing bucket. "
            "The arrival sensor finds new, changed and deleted ones."
        ),
        kinds={"s3", "file"},
        owners=repository.owners or None,
        metadata={"dataset_id_rule": repository.dataset_id, "requires": list(repository.requires)},
    )


def datasets(repository: Repository) -> dg.AssetsDefinition:
    """The datasets of a repository, a lot at a time."""

    @dg.asset(
        key=[repository.name, "datasets"],
        group_name=repository.name,
        partitions_def=lots_of(repository.name),
        deps=[dg.AssetKey([repository.name, "landing"])],
        kinds={"deltalake", "polars"},
        owners=repository.owners or None,
        code_version=code_version(),
        description=(
            f"**{repository.title}**: datasets read from uploaded files, checked, and stored in the lake as "
            "`datasets`, `samples`, `features` and `matrix`, with `provenance`. One partition is one lot: what "
            "arrived (or is reprocessed) together. A dataset that cannot be read is listed by name with its reason; "
            f"the others of its lot are stored.\n\n{repository.description}"
        ),
        metadata={"dagster/column_schema": column_schema(DATASETS)},
    )
    def stored(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult:
        outcome = store_lot(platform.platform, context.partition_key, context.run.run_id)
        return dg.MaterializeResult(
            metadata=lot_metadata(outcome), data_version=dg.DataVersion(outcome.manifest_sha256)
        )

    return stored


def search_documents(repository: Repository) -> dg.AssetsDefinition:
    """The search index's documents of a repository, a lot at a time."""

    @dg.asset(
        key=[repository.name, "search_documents"],
        group_name=repository.name,
        partitions_def=lots_of(repository.name),
        deps=[dg.AssetKey([repository.name, "datasets"])],
        kinds={"search"},
        owners=repository.owners or None,
        code_version=code_version(),
        description=(
            "One document per dataset in the search index: title, summary, organism, curated terms and everything "
            "said of its samples. Derived from the lake; a dataset's job succeeds when it is here."
        ),
    )
    def indexed(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult:
        outcome = index_lot(platform.platform, context.partition_key, context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": outcome.indexed,
                "removed": outcome.removed,
                "documents_of_repository": outcome.documents,
            }
        )

    return indexed


def repository_summary(repository: Repository) -> dg.AssetsDefinition:
    """Counts, growth and failures of a repository."""

    @dg.asset(
        key=[repository.name, "repository_summary"],
        group_name=repository.name,
        deps=[dg.AssetKey([repository.name, "datasets"]), dg.AssetKey([repository.name, "search_documents"])],
        kinds={"report"},
        owners=repository.owners or None,
        io_manager_key="lake_io_manager",
        description="What the repository holds, how it grows and what failed; refreshed every hour.",
    )
    def summarised(context: dg.AssetExecutionContext, platform: PlatformResource):
        summary = summarise(platform.platform, repository.name)
        return dg.Output(summary.table, metadata=summary_metadata(summary))

    return summarised


def upkeep(repository: Repository) -> dg.AssetsDefinition:
    """Compaction and vacuum of a repository's tables."""

    @dg.asset(
        key=[repository.name, "table_maintenance"],
        group_name=repository.name,
        deps=[dg.AssetKey([repository.name, "datasets"])],
        kinds={"deltalake"},
        owners=repository.owners or None,
        description=(
            "Compacts the repository's tables, removes rows of replaced and deleted datasets, and vacuums files that "
            "no version needs any more; then optimizes the search index. Run every night."
        ),
    )
    def maintained(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult:
        here = platform.platform
        with here.ledger.reading() as connection:
            busy = [lot.key for lot in open_lots(connection, repository.name)]
        report = maintain(here.lake, repository.name, open_lots=busy)
        here.index.optimize()
        return dg.MaterializeResult(metadata=report.as_metadata())

    return maintained
