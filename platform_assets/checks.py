"""Asset checks of a repository's lots, one for each check that the lake's verification knows."""

import dagster as dg

from biolake.ingest.heartbeat import heartbeat
from biolake.lake.verify import CHECKS, CheckOutcome, verify_lot
from biolake.repositories.models import Repository
from partitions.lots import lots_of
from resources.platform import PlatformResource

_MOST_NAMES = 100
_WARNS = frozenset({"every_dataset_stored", "values_are_finite"})


def lot_checks(repository: Repository, datasets: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Checks of the `datasets` asset; each keeps the lot it was made for."""
    partitions = lots_of(repository.name)

    @dg.multi_asset_check(
        name=f"{repository.name}_lot_checks",
        specs=[
            dg.AssetCheckSpec(name, asset=datasets, description=description, partitions_def=partitions)
            for name, description in CHECKS.items()
        ],
    )
    def verified(context: dg.AssetCheckExecutionContext, platform: PlatformResource):
        here, lot = platform.platform, context.partition_key
        with heartbeat(here.ledger, lot, context.run.run_id):
            outcomes = verify_lot(here.lake, repository.name, lot)
        for outcome in outcomes.values():
            yield _result(outcome, datasets)

    return verified


def _result(outcome: CheckOutcome, asset: dg.AssetKey) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {
        "examined": dg.MetadataValue.int(outcome.examined),
        "problems": dg.MetadataValue.int(len(outcome.problems)),
    }
    description = None
    if outcome.problems:
        shown = outcome.problems[:_MOST_NAMES]
        metadata["names"] = dg.MetadataValue.table([dg.TableRecord({"problem": problem}) for problem in shown])
        description = "; ".join(problem.split(":")[0] for problem in shown)
    return dg.AssetCheckResult(
        passed=not outcome.problems,
        check_name=outcome.name,
        asset_key=asset,
        severity=dg.AssetCheckSeverity.WARN if outcome.name in _WARNS else dg.AssetCheckSeverity.ERROR,
        description=description,
        metadata=metadata,
    )
