"""Putting a study's pages where its results are: `<study>/report/index.html` and one page per recording."""

from datetime import datetime

from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.configuration import StudyConfiguration
from biolake.studies.report.pages import recording_report, study_report


def publish_study_report(study: StudyConfiguration, engine: Engine, lake: Lake, now: datetime) -> str:
    """Write the study's page, and return its address.

    Raises:
        StoreUnavailable: The place for results did not take it.
    """
    store = open_store(study.document.results.uri, create=True)
    return _put(store, f"{study.id}/report/index.html", study_report(study, engine, lake, now))


def publish_recording_report(study: StudyConfiguration, engine: Engine, lake: Lake, key: str, now: datetime) -> str:
    """Write a recording's page, and return its address.

    Raises:
        UnknownRecording: The study has no such recording.
        StoreUnavailable: The place for results did not take it.
    """
    store = open_store(study.document.results.uri, create=True)
    page = recording_report(study, engine, lake, store, key, now)
    return _put(store, f"{study.id}/report/recordings/{key}.html", page)


def _put(store: ObjectStore, key: str, page: str) -> str:
    store.put(key, page.encode())
    return store.uri(key)
