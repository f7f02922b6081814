"""Putting a study's pages where its results are: `<study>/report/index.html` and one page per recording."""

from datetime import datetime

from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.report.gather_recording import recording_page
from biolake.studies.report.gather_study import study_page
from biolake.studies.report.models import RecordingPage, StudyPage
from biolake.studies.report.pages import rendered


def publish_study_report(study: StudyConfiguration, engine: Engine, lake: Lake, now: datetime) -> str:
    """Write the study's page, and return its address.

    Raises:
        StoreUnavailable: The place for results did not take it.
    """
    return publish_study_page(study, study_page(study, engine, lake, now))


def publish_study_page(study: StudyConfiguration, page: StudyPage) -> str:
    """Write a gathered page of a study, and return its address."""
    return _put(open_store(study.document.results.uri, create=True), f"{study.id}/report/index.html", rendered(page))


def publish_recording_report(study: StudyConfiguration, engine: Engine, lake: Lake, key: str, now: datetime) -> str:
    """Write a recording's page, and return its address.

    Raises:
        UnknownRecording: The study has no such recording.
        StoreUnavailable: The place for results did not take it.
    """
    store = open_store(study.document.results.uri, create=True)
    return publish_recording_page(study, recording_page(study, engine, lake, store, key, now))


def publish_recording_page(study: StudyConfiguration, page: RecordingPage) -> str:
    """Write a gathered page of a recording, and return its address."""
    store = open_store(study.document.results.uri, create=True)
    return _put(store, f"{study.id}/report/recordings/{page.recording}.html", rendered(page))


def _put(store: ObjectStore, key: str, page: str) -> str:
    store.put(key, page.encode())
    return store.uri(key)
