"""Asset checks of a study: its files add up, its recordings were worn and calibrated."""

import dagster as dg
import polars as pl

from biolake.studies.catalog.status import counts, status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.results.read import results_table
from partitions.recordings import group_name, recordings_of
from resources.platform import PlatformResource


def study_checks(study: StudyConfiguration) -> list[dg.AssetChecksDefinition]:
    """The checks of one study."""
    return [_counts_add_up(study), _recording_quality(study)]


def _counts_add_up(study: StudyConfiguration) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey([group_name(study.id), "catalog"]),
        name="files_add_up",
        description="Every file has exactly one state: files in the catalog = files in all states.",
    )
    def files_add_up(platform: PlatformResource) -> dg.AssetCheckResult:
        engine = platform.platform.study_engine
        files, by_state = status(study, engine).height, counts(study, engine)
        return dg.AssetCheckResult(
            passed=files == sum(by_state.values()),
            metadata={"files": files, "by_state": {state.value: number for state, number in by_state.items()}},
        )

    return files_add_up


def _recording_quality(study: StudyConfiguration) -> dg.AssetChecksDefinition:
    asset = dg.AssetKey([group_name(study.id), "biomarkers"])
    partitions = recordings_of(study.id)
    least = study.document.exclusion.day.min_wear_hours

    @dg.multi_asset_check(
        name=f"{group_name(study.id)}_quality",
        specs=[
            dg.AssetCheckSpec(
                "worn",
                asset=asset,
                partitions_def=partitions,
                description=f"At least one day was worn for {least:g} hours.",
            ),
            dg.AssetCheckSpec(
                "calibrated",
                asset=asset,
                partitions_def=partitions,
                description="The accelerometer was calibrated, where the pipeline asks for it.",
            ),
        ],
    )
    def quality(context: dg.AssetCheckExecutionContext, platform: PlatformResource):
        lake = platform.platform.lake
        mine = pl.col("recording") == context.partition_key
        days = results_table(study, "day", lake, mixed=True).filter(mine)
        files = results_table(study, "file_qc", lake, mixed=True).filter(mine)
        worn = _largest(days, "wear_hours")
        yield dg.AssetCheckResult(
            passed=worn is None or worn >= least,
            check_name="worn",
            asset_key=asset,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"days": days.height, "most_wear_hours": -1.0 if worn is None else round(worn, 2)},
        )
        refused = (
            files.filter(~pl.col("calibrated").fill_null(True)) if "calibrated" in files.columns else files.clear()
        )
        yield dg.AssetCheckResult(
            passed=refused.is_empty(),
            check_name="calibrated",
            asset_key=asset,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"pipelines_without_calibration": refused.height},
        )

    return quality


def _largest(frame: pl.DataFrame, column: str) -> float | None:
    if column not in frame.columns or frame[column].drop_nulls().is_empty():
        return None
    return float(frame[column].drop_nulls().max())  # type: ignore[arg-type]
