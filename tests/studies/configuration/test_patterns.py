"""Patterns find what they say, never cost more than linear time, and refuse what the engine does not have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.studies.configuration.patterns import NamePattern, glob_matches, literal_folder
from biolake.studies.errors import PatternInvalid

GLOBS = [
    ("*.bin", "a.bin", True),
    ("*.bin", "deep/er/a.bin", True),
    ("*.bin", "a.bin.tmp", False),
    ("*/wrist/*.bin", "001/wrist/left wrist.bin", True),
    ("*/wrist/*.bin", "001/x/wrist/a.bin", False),
    ("**/wrist/*.bin", "001/x/wrist/a.bin", True),
    ("**/wrist/*.bin", "wrist/a.bin", True),
    ("wrist/**", "wrist/a/b.bin", True),
    ("a?.csv", "ab.csv", True),
    ("a?.csv", "a/.csv", False),
    ("[!a]*.csv", "b.csv", True),
    ("[!a]*.csv", "a.csv", False),
    ("[0-9]*.csv", "1x.csv", True),
    ("a+(b).csv", "a+(b).csv", True),
    ("*.csv", "Größe.csv", True),
]


@pytest.mark.parametrize(("pattern", "path", "matches"), GLOBS)
def test_globs(pattern: str, path: str, matches: bool):
    assert glob_matches(path, pattern) is matches


def test_one_of_several_globs_is_enough_and_none_matches_nothing():
    assert glob_matches("a.tmp", "*.bak", "*.tmp")
    assert not glob_matches("a.tmp")


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="/[*?"), min_size=1, max_size=20))
def test_a_glob_without_wildcards_matches_itself_alone(text: str):
    assert glob_matches(text, text)
    assert not glob_matches(text + "x", text)


def test_the_folder_of_a_glob():
    assert literal_folder("meta/2024/demo_*.csv") == "meta/2024/"
    assert literal_folder("meta/a.csv") == "meta/"
    assert literal_folder("*/a.csv") == ""


def test_names_are_read_as_a_whole():
    pattern = NamePattern("(?P<subject>[0-9]{4})_(?P<visit>V[0-9])(_(?P<part>[0-9]+))?\\.bin")
    assert pattern.groups == ("subject", "visit", "part")
    assert pattern.read("in/1001_V1.bin") == {"subject": "1001", "visit": "V1"}
    assert pattern.read("in/1001_V1.bin.gz") is None


def test_a_pattern_with_a_slash_reads_the_path():
    assert NamePattern("(?P<subject>[0-9]+)/raw\\.bin").read("1001/raw.bin") == {"subject": "1001"}


def test_what_would_backtrack_is_no_danger():
    assert NamePattern("(?P<subject>(a+)+)b").read("a" * 20_000) is None


@pytest.mark.parametrize("pattern", ["(?P<s>a)(?=b)", "(?P<s>a)(?P=s)", "(unclosed", "(a{1000}){1000}", "[z-a]"])
def test_what_the_engine_does_not_have_is_refused(pattern: str):
    with pytest.raises(PatternInvalid):
        _ = NamePattern(pattern).groups
