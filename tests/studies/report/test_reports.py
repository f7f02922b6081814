"""What a study's manager reads, and what hostile names cannot do to it."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from biolake.ledger.ledger import Ledger
from biolake.studies.errors import UnknownRecording
from biolake.studies.processing.models import Outcome
from biolake.studies.report.gather_study import study_page
from biolake.studies.report.pages import recording_report, study_report
from biolake.studies.report.plot_actogram import ActogramDay, actogram
from biolake.studies.report.plot_enrolment import enrolment
from biolake.studies.report.plot_measures import strip
from biolake.studies.report.svg import shown, ticks
from biolake.studies.report.words import MEANINGS
from biolake.studies.results.store import store_results
from biolake.studies.states import State
from biolake.studies.tables import FILES
from tests.studies.results.made_study import NOW, MadeStudy, wrist_outcome

FIRST = datetime(2024, 5, 6, 17, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202egpj.exe'


class _Page(HTMLParser):
    """Checks that elements are closed in order, and collects what a page says and refers to."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    study = MadeStudy.make(tmp_path)
    study.document["study"]["expected_subjects"] = 5
    return study


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Ledger(f"sqlite:///{tmp_path / 'state.db'}").engine


def file(
    engine: Engine, key: str, state: State, reason: str = "", *, recording: str | None = None, subject: str = ""
) -> None:
    row = {
        "study": "TEST-001",
        "source": "raw",
        "key": key,
        "etag": "e",
        "size": 1,
        "current": True,
        "attempts": 0,
        "modified": FIRST,
        "first_seen": FIRST,
        "since": FIRST,
        "file_type": "wrist" if recording else None,
        "recording": recording,
        "subject": subject or None,
        "state": state.value,
        "reason": reason,
        "flags": [],
    }
    with engine.begin() as connection:
        connection.execute(insert(FILES), [row])


def processed(made: MadeStudy, engine: Engine, subject: str, folder: Path, days: int = 4, visit: str = "V1") -> str:
    dates = [(FIRST + timedelta(days=number)).date().isoformat() for number in range(days + 1)]
    nights = {
        date: ((FIRST + timedelta(days=number, hours=5)).timestamp(), 420.0) for number, date in enumerate(dates[:-1])
    }
    worn = ((0.0, 30 * 3600.0), (33 * 3600.0, days * 86400.0))
    result = wrist_outcome(
        folder / f"{subject}{visit}", FIRST.timestamp(), days * 86400.0, worn=worn, dates=tuple(dates), nights=nights
    )
    recording = made.recording(subject, visit, key=f"{len(subject)}.bin")
    store_results(made.configuration, recording, result, made.lake, made.results, "r", pipeline="wrist", now=NOW)
    file(engine, f"{subject}.bin", State.PROCESSED, recording=str(recording.key), subject=subject)
    return str(recording.key)


def test_the_page_of_a_study_says_what_is_there_and_what_is_not(made: MadeStudy, engine: Engine, tmp_path: Path):
    processed(made, engine, "0001", tmp_path)
    processed(made, engine, "0002", tmp_path, days=1)
    file(engine, "c.bin", State.WAITING, "height_m of subject 0003", recording="wrist~0003", subject="0003")
    file(engine, "d.bin", State.CORRUPTED, "12 blocks are damaged", recording="wrist~0004", subject="0004")
    page = _Page(study_report(made.configuration, engine, made.lake, NOW))
    for words in (
        "A small study",
        "Subjects with data 4 of 5 expected",
        "Recordings processed 2 of 4 in the catalog",
        "Files that need you 2",
        "height_m of subject 0003",
        "12 blocks are damaged",
        "The recording begins or ends on that day",
        "Too few days that count",
        "skdh-0.17.18-py311-a",
        "wake_mvpa_5s_epoch_min",
        made.configuration.sha256,
    ):
        assert words in page.text, words


def test_the_page_of_an_empty_study_says_so(made: MadeStudy, engine: Engine):
    page = _Page(study_report(made.configuration, engine, made.lake, NOW))
    for words in ("The catalog is empty", "No recording yet", "No results yet", "Nothing is left out"):
        assert words in page.text


def test_the_page_of_a_recording_shows_its_days_and_where_they_are_from(
    made: MadeStudy, engine: Engine, tmp_path: Path
):
    key = processed(made, engine, "0001", tmp_path)
    page = _Page(recording_report(made.configuration, engine, made.lake, made.results, key, NOW))
    for words in (
        "Subject 0001",
        "Worn",
        "Tue 07 May 2024",
        "23:00 to 06:00",
        "not worn",
        "The recording covers 6.0 h of the 24 h.",
        "Europe/London",
        "a" * 64,
    ):
        assert words in page.text, words
    assert sum(tag == "svg" for tag, _ in page.seen) == 1


def test_a_recording_that_failed_has_a_page_with_the_reason(made: MadeStudy, engine: Engine):
    recording = made.recording()
    failed = Outcome("x", State.CORRUPTED, "12 blocks are damaged")
    store_results(made.configuration, recording, failed, made.lake, made.results, "r", pipeline="wrist", now=NOW)
    file(engine, "a.bin", State.CORRUPTED, "12 blocks are damaged", recording=str(recording.key), subject="0001")
    page = _Page(recording_report(made.configuration, engine, made.lake, made.results, recording.key, NOW))
    assert "12 blocks are damaged" in page.text
    with pytest.raises(UnknownRecording, match="wrist~none"):
        recording_report(made.configuration, engine, made.lake, made.results, "wrist~none", NOW)


def test_hostile_names_are_words_and_nothing_else(made: MadeStudy, engine: Engine, tmp_path: Path):
    file(engine, HOSTILE, State.UNMATCHED, HOSTILE)
    key = processed(made, engine, HOSTILE, tmp_path)
    made.document["study"]["title"] = HOSTILE
    pages = [
        study_report(made.configuration, engine, made.lake, NOW),
        recording_report(made.configuration, engine, made.lake, made.results, key, NOW),
    ]
    for text in pages:
        page = _Page(text)
        assert not {"script", "img", "iframe", "object", "link"} & {tag for tag, _ in page.seen}
        for _, attributes in page.seen:
            assert not [name for name in attributes if name.startswith("on")]
            for name in ("href", "src", "xlink:href"):
                assert (attributes.get(name) or "#").startswith("#")
        assert "\u202e" not in text
        assert "\\u202egpj.exe" in page.text


def test_pages_load_nothing_and_say_so_to_the_browser(made: MadeStudy, engine: Engine, tmp_path: Path):
    processed(made, engine, "0001", tmp_path)
    text = study_report(made.configuration, engine, made.lake, NOW)
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)", text)
    assert not re.search(r"@import|https?://(?!www\.w3\.org/2000/svg)", text)


def test_pages_can_be_used_without_seeing_them(made: MadeStudy, engine: Engine, tmp_path: Path):
    processed(made, engine, "0001", tmp_path)
    page = _Page(study_report(made.configuration, engine, made.lake, NOW))
    assert ("html", {"lang": "en"}) in page.seen
    pictures = [attributes for tag, attributes in page.seen if tag == "svg"]
    assert len(pictures) >= 4
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in pictures)
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.seen if tag == "th")
    levels = [int(tag[1]) for tag, _ in page.seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_every_state_is_explained():
    assert set(MEANINGS) == set(State)


def test_a_long_study_is_cut_and_says_how_much(made: MadeStudy, engine: Engine):
    for number in range(320):
        file(engine, f"x{number}.tmp", State.UNMATCHED, "no match")
    page = study_page(made.configuration, engine, made.lake, NOW)
    assert (len(page.files), page.files_more) == (300, 20)
    assert "And 20 more" in _Page(study_report(made.configuration, engine, made.lake, NOW)).text


def test_time_off_the_wrist_is_between_stretches_of_wear():
    day = ActogramDay(FIRST.date(), 23, ((2.0, 20.0),), ((2.0, 8.0), (9.0, 20.0)), ((22, 23, True),), (), (), "")
    picture = actogram([day])
    assert "not worn 08:00 to 09:00" in picture
    assert picture.count("not worn 0") == 1
    assert "23 h day" in picture


def test_pictures_of_nothing_are_pictures():
    for picture in (enrolment([], 10, FIRST.date()), strip("Wear", "h", [], "#000000"), actogram([])):
        assert picture.startswith("<svg")
        _Page(picture)


@pytest.mark.parametrize(("largest", "expected"), [(20, [0, 5, 10, 15, 20]), (0, [0, 1]), (1.29, [0, 0.5, 1, 1.5])])
def test_scales_have_round_numbers(largest, expected):
    assert ticks(largest) == pytest.approx(expected)


def test_control_characters_are_spelled_out():
    assert shown("a\u202eb\x00c") == "a\\u202eb\\u0000c"
