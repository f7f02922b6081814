"""Real GEO series: what is found is what a plain scan of the same words finds, and what experts hold relevant."""

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolake.search.index import SearchIndex
from biolake.search.models import SearchRequest
from biolake.search.open import open_index
from tests.search.search_documents import document

pytestmark = pytest.mark.shared_data

_EVERY = 4


def _repaired(text: str) -> str:
    """The file holds UTF-8 that was once read as Windows-1252."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _relevant(folder: Path) -> dict[str, set[str]]:
    return {
        topic.name: {
            name for part in ("testing_series", "training_series") for name in json.loads((topic / part).read_text())
        }
        for topic in sorted((folder / "search" / "assignments").iterdir())
    }


@pytest.fixture(scope="module")
def series(shared_data: Path) -> dict[str, tuple[str, str]]:
    wanted = set().union(*_relevant(shared_data).values())
    found: dict[str, tuple[str, str]] = {}
    with gzip.open(shared_data / "search" / "Manual_Search_Items.tsv.gz", "rt", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines, delimiter="\t")):
            if row["Series_ID"] in wanted or row["In_Gemma"] == "Yes" or number % _EVERY == 0:
                text = f"{row['Series_Summary'] or ''} {row['Series_Overall_Design'] or ''}"
                found[row["Series_ID"]] = (_repaired(row["Series_Title"] or ""), _repaired(text))
    return found


@pytest.fixture(scope="module")
def judged(shared_data: Path) -> set[str]:
    """Series that Gemma's curators have read; of the others nobody has said whether they are relevant."""
    with gzip.open(shared_data / "search" / "Manual_Search_Items.tsv.gz", "rt", encoding="utf-8") as lines:
        return {row["Series_ID"] for row in csv.DictReader(lines, delimiter="\t") if row["In_Gemma"] == "Yes"}


@pytest.fixture(scope="module")
def index(series: dict[str, tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    opened = open_index((tmp_path_factory.mktemp("real") / "index").as_uri())
    documents = [document(name, title=title, summary=summary) for name, (title, summary) in series.items()]
    for start in range(0, len(documents), 500):
        assert opened.upsert(documents[start : start + 500]).stale == 0
    yield opened
    opened.close()


def _has(*words: str) -> Callable[[str], bool]:
    patterns = [re.compile(rf"(?<![^\W_]){word}(?![^\W_])", re.IGNORECASE) for word in words]
    return lambda text: all(pattern.search(text) for pattern in patterns)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("neuroblastoma", _has("neuro-?blastomas?")),
        ("MYCN & amplified", _has("MYCN", "amplified")),
        ('"down syndrome"', _has(r"down\W+syndromes?")),
        ("trisomy ~ mouse", lambda text: _has("trisomy")(text) and not _has("mouse|mice")(text)),
        ("lithium | valproate", lambda text: _has("lithium")(text) or _has("valproates?")(text)),
        ("neurobl*", _has(r"neuro-?bl[^\W_]*")),
        ("SIRPα", _has("SIRP(α|alpha|[-‐‑–−](α|alpha))")),
    ],
)
def test_the_same_series_as_a_scan_of_the_text(
    index: SearchIndex, series: dict[str, tuple[str, str]], text: str, holds: Callable[[str], bool]
) -> None:
    # A mark that no word contains parts title and summary: no phrase reaches over.
    wanted = {name for name, (title, summary) in series.items() if holds(f"{title}\nﬀ{summary}".replace("ﬀ", "qqqq "))}
    page = index.search(SearchRequest(text=text, size=1000))
    assert {hit.dataset_id for hit in page.hits} == wanted
    assert page.total == len(wanted) > 0


def test_every_series_is_first_under_its_own_accession(index: SearchIndex, series: dict[str, tuple[str, str]]) -> None:
    for name in list(series)[::100]:
        assert index.search(SearchRequest(text=name, size=1)).hits[0].dataset_id == name


def test_what_experts_hold_relevant_ranks_high(
    index: SearchIndex, series: dict[str, tuple[str, str]], judged: set[str], shared_data: Path
) -> None:
    """Among the first 20 that experts have judged, several times more relevant series than chance would put there."""
    for topic, named in _relevant(shared_data).items():
        relevant = named & judged
        # Series say cancer where the ontology says carcinoma; finding one by the other is the ontology's work.
        name = topic.replace("_", " ").replace("carcinoma", "cancer")
        page = index.search(SearchRequest(text=name, size=1000))
        first = [hit.dataset_id for hit in page.hits if hit.dataset_id in judged][:20]
        found = len(relevant & set(first))
        assert found > 4 * len(first) * len(relevant) / len(judged), (name, found, len(relevant))
