"""The pages of a study and of a recording as HTML: one file, no network, no script, fit to be printed and mailed.

What they show is gathered in `gather_study` and `gather_recording`; how they look is in `templates/`. Names of files
and values of participants are hostile: everything is escaped, and the page forbids itself to load anything.
"""

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import RecordingKey
from biolake.studies.report.gather_recording import recording_page
from biolake.studies.report.gather_study import study_page
from biolake.studies.report.models import RecordingPage, StudyPage
from biolake.studies.report.svg import shown


def study_report(study: StudyConfiguration, engine: Engine, lake: Lake, now: datetime) -> str:
    """Return the page of a study.

    Args:
        study: The configuration.
        engine: Where the catalog's tables are.
        lake: The lake.
        now: The time, UTC.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    return rendered(study_page(study, engine, lake, now))


def recording_report(
    study: StudyConfiguration,
    engine: Engine,
    lake: Lake,
    results_store: ObjectStore,
    key: RecordingKey | str,
    now: datetime,
) -> str:
    """Return the page of a recording.

    Args:
        study: The configuration.
        engine: Where the catalog's tables are.
        lake: The lake.
        results_store: The study's place for results.
        key: The recording.
        now: The time, UTC.

    Raises:
        UnknownRecording: The study has neither a file nor a result of that recording.
        LakeUnavailable: The lake did not answer.
    """
    return rendered(recording_page(study, engine, lake, results_store, key, now))


def rendered(page: StudyPage | RecordingPage) -> str:
    """Return a gathered page as HTML."""
    name = "study" if isinstance(page, StudyPage) else "recording"
    return _environment().get_template(f"{name}.html.j2").render(page=page)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("biolake.studies.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )
    environment.filters["number"] = _number
    # Pictures are made by `svg`, which escapes all text in them.
    environment.filters["picture"] = Markup
    return environment


def _final(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else shown(value)


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
