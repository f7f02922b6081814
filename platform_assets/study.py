"""The assets of one study, made from its document: what is given, the catalog, results, summary, report."""

from datetime import UTC, datetime

import dagster as dg

from biolake.platform import code_version
from biolake.studies.catalog.check import check_arrivals
from biolake.studies.catalog.update import catalog, sources_of
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import StudyConfigurationInvalid
from biolake.studies.recordings.journey import process_recording
from biolake.studies.recordings.run_beats import beating
from biolake.studies.results.read import store_summaries
from biolake.studies.states import State
from partitions.recordings import group_name, recordings_of
from platform_assets.study_metadata import catalog_metadata, recording_metadata, report_metadata
from resources.platform import PlatformResource

# Always the same: which recordings a change touches is known per recording, as the state `stale`. By a version of the
# whole list Dagster would call every recording out of date when one file arrives or one participant's height is known.
_LISTED = dg.DataVersion("see the state of each recording")


def sources(study: StudyConfiguration) -> list[dg.AssetSpec]:
    """What is given: the document, and the recordings in the study's buckets."""
    uris = ", ".join(f"`{source.uri}`" for source in study.document.sources)
    return [
        dg.AssetSpec(
            _key(study, "configuration"),
            group_name=group_name(study.id),
            description=f"The document of {study.id}: where its recordings are and what is computed from them.",
            kinds={"yaml"},
            metadata={"sha256": study.sha256, "status": study.document.study.status},
        ),
        dg.AssetSpec(
            _key(study, "recordings"),
            group_name=group_name(study.id),
            partitions_def=recordings_of(study.id),
            description=f"Wearable recordings in {uris}: seen by the platform, not made by it.",
            kinds={"s3", "file"},
        ),
    ]


def refused(name: str, error: StudyConfigurationInvalid) -> dg.AssetSpec:
    """A study whose document has mistakes: nothing of it is started, and the mistakes are shown in its place."""
    group = group_name(name)
    return dg.AssetSpec(
        dg.AssetKey([group, "configuration"]),
        group_name=group,
        description=f"**Refused.** Earlier results stay as they are.\n\n```\n{error}\n```",
        kinds={"yaml", "refused"},
        metadata={"status": "refused"},
    )


def study_catalog(study: StudyConfiguration) -> dg.AssetsDefinition:
    """Every file of a study with its state, and its participants."""

    @dg.multi_asset(
        name=f"{group_name(study.id)}_catalog",
        specs=[
            dg.AssetSpec(
                _key(study, "catalog"),
                group_name=group_name(study.id),
                deps=[_key(study, "configuration"), _key(study, "recordings")],
                kinds={"table"},
                code_version=code_version(),
                description="Every file of the sources with exactly one state, its reason, and since when.",
            ),
            dg.AssetSpec(
                _key(study, "participants"),
                group_name=group_name(study.id),
                deps=[_key(study, "configuration")],
                kinds={"table"},
                code_version=code_version(),
                description="What the metadata files say of the participants, cleaned, in the configured units.",
            ),
        ],
    )
    def cataloged(platform: PlatformResource):
        here, now = platform.platform, datetime.now(UTC)
        stores = sources_of(study, here.study_engine, now)
        catalog(study, stores, here.study_engine, now)
        check_arrivals(study, stores, here.study_engine, now)
        metadata = catalog_metadata(study, here.study_engine)
        yield dg.MaterializeResult(_key(study, "catalog"), metadata=metadata.catalog, data_version=_LISTED)
        yield dg.MaterializeResult(_key(study, "participants"), metadata=metadata.participants, data_version=_LISTED)

    return cataloged


def biomarkers(study: StudyConfiguration) -> dg.AssetsDefinition:
    """Digital biomarkers, a recording at a time."""

    @dg.asset(
        key=_key(study, "biomarkers"),
        group_name=group_name(study.id),
        partitions_def=recordings_of(study.id),
        deps=[_key(study, "recordings"), _key(study, "catalog"), _key(study, "participants")],
        kinds={"python", "deltalake"},
        code_version=code_version(),
        description=(
            f"**{study.document.study.title}**: what each pipeline computed from a recording, as tables per day, night "
            "and bout in the lake and as files in the study's bucket. One partition is one recording. Results whose "
            "inputs are unchanged are kept."
        ),
    )
    def processed(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult:
        here = platform.platform
        with beating(here.study_engine, context.run.run_id):
            done = process_recording(study, context.partition_key, here.workplace, context.run.run_id)
        metadata = recording_metadata(study, done, here)
        if done.state is not State.PROCESSED:
            # The catalog has its state and asks for the retries; here it must not look as if there were results.
            raise dg.Failure(f"{done.state.value}: {done.reason}", metadata=metadata, allow_retries=False)
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(done.recording.inputs.run_key))

    return processed


def subject_visits(study: StudyConfiguration) -> dg.AssetsDefinition:
    """Means per subject and visit, with what was excluded and why."""

    @dg.asset(
        key=_key(study, "subject_visits"),
        group_name=group_name(study.id),
        deps=[dg.AssetDep(_key(study, "biomarkers"), partition_mapping=dg.AllPartitionMapping())],
        kinds={"deltalake"},
        code_version=code_version(),
        description=(
            "One row per subject, visit, place and pipeline: means over all days, weekdays and weekends, and the days "
            "that were excluded with their rule."
        ),
    )
    def summarised(platform: PlatformResource) -> dg.MaterializeResult:
        rows = store_summaries(study, platform.platform.lake, datetime.now(UTC))
        return dg.MaterializeResult(metadata={"rows": rows, "dagster/row_count": sum(rows.values())})

    return summarised


def report(study: StudyConfiguration) -> dg.AssetsDefinition:
    """The report that a study manager reads."""

    @dg.asset(
        key=_key(study, "report"),
        group_name=group_name(study.id),
        deps=[_key(study, "subject_visits"), _key(study, "catalog")],
        kinds={"report"},
        code_version=code_version(),
        description="Enrolment, states with reasons, wear time, activity, sleep, exclusions: one HTML page.",
    )
    def reported(platform: PlatformResource) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=report_metadata(study, platform.platform))

    return reported


def _key(study: StudyConfiguration, name: str) -> dg.AssetKey:
    return dg.AssetKey([group_name(study.id), name])
