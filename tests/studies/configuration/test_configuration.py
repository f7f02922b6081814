"""A configuration is taken whole or refused with every mistake at once: line, key and remedy."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from biolake.documents.read import SIZE_LIMIT, read_document
from biolake.studies.configuration.json_schema import schema_text
from biolake.studies.configuration.load import load_study, validate
from biolake.studies.configuration.study import StudyDocument
from biolake.studies.errors import StudyConfigurationInvalid, StudyConfigurationMissing
from biolake.studies.models import RecordingKey
from tests.studies.small_study import study_document, write_study

DOCS = Path(__file__).resolve().parents[3] / "docs"


def mistakes_of(folder: Path, document: Any) -> list[str]:
    path = write_study(folder, document if isinstance(document, dict) else None)
    if isinstance(document, str):
        path.write_text(document)
    return [str(mistake) for mistake in validate(path) if mistake.severity == "error"]


def changed(folder: Path, *path: Any, to: Any) -> dict[str, Any]:
    document = copy.deepcopy(study_document(folder))
    inner: Any = document
    for part in path[:-1]:
        inner = inner[part]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return document


def test_a_study_is_loaded_with_its_pipelines(tmp_path: Path):
    study = load_study(write_study(tmp_path))
    assert study.id == "TEST-001"
    assert [step.name for step in study.pipeline_files["gait"].steps][-1] == "GaitLumbar"
    assert len(study.sha256) == 64


def test_a_missing_document_is_said(tmp_path: Path):
    with pytest.raises(StudyConfigurationMissing, match=r"study\.yaml: No such file"):
        load_study(tmp_path / "study.yaml")


REFUSED: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "unknown key": (("study", "titel"), "x", "study.titel: unknown key `titel`. Did you mean `title`?"),
    "missing key": (("results",), ..., "results: `results` is missing. Add it."),
    "number as text": (("study", "title"), 12, "study.title: this is text, and YAML reads 12. Put it in quotes."),
    "zone without a place": (("study", "timezone_default"), "EST", "`EST` is no time zone with a place."),
    "zone by its city": (("study", "timezone_default"), "London", "Write `Europe/London`."),
    "look-around": (("file_types", 0, "filename_regex"), "(?P<subject>a)(?=b)", "Look-around"),
    "no subject": (("file_types", 0, "filename_regex"), "(?P<visit>V1)\\.bin", "no group `subject`"),
    "unknown group": (("file_types", 0, "filename_regex"), "(?P<subject>1)(?P<vist>2)", "Did you mean `visit`?"),
    "identity without its group": (("file_types", 0, "identity"), ["subject", "site"], "identity[1]"),
    "identity without subject": (("file_types", 0, "identity"), ["visit"], "the identity lacks `subject`"),
    "unknown source": (("file_types", 0, "source"), "row", "there is no source `row`. Did you mean `raw`?"),
    "unknown pipeline": (("file_types", 0, "pipelines"), ["sleeep"], "Did you mean `sleep`?"),
    "same name twice": (("file_types", 1, "name"), "wrist", "the name `wrist` is taken in line"),
    "prefix outside": (("sources", 0, "prefixes"), ["../other"], "does not lie under the source's address"),
    "unit missing": (
        ("metadata", "files", 0, "columns", "height_m", "unit"),
        ...,
        "`to_unit` needs the unit of the file",
    ),
    "height without any unit": (
        ("metadata", "files", 0, "columns", "height_m"),
        {"from": "HEIGHT", "type": "float"},
        "height_m has no unit. Say what the file holds: `unit: m`, or `unit: cm, to_unit: m`.",
    ),
    "height that ends up in cm": (
        ("metadata", "files", 0, "columns", "height_m"),
        {"from": "HEIGHT", "type": "float", "unit": "cm"},
        "height_m promises m and would hold cm",
    ),
    "centimetres to kilograms": (
        ("metadata", "files", 0, "columns", "height_m", "to_unit"),
        "kg",
        "cm (length) does not convert to kg (mass)",
    ),
    "height passed in cm under another name": (
        ("metadata", "files", 0, "columns"),
        {
            "subject": {"from": "S", "type": "str"},
            "timezone": {"from": "TZ", "type": "timezone"},
            "height_m": {"from": "H", "type": "float", "unit": "m"},
            "tall": {"from": "T", "type": "float", "unit": "cm"},
        },
        "",
    ),
    "pipeline outside the folder": (("pipelines", "gait", "file"), "../gait.skdh", "lies outside the folder"),
    "pipeline missing": (("pipelines", "gait", "file"), "pipelines/no.skdh", "cannot be read: No such file"),
    "no such output": (("pipelines", "gait", "outputs"), {"gaitlumber": "table"}, "Did you mean `GaitLumbar`?"),
    "runtime's name": (("pipelines", "gait", "runtime"), "skdh-latest", "names no runtime"),
    "another version's pipeline": (
        ("pipelines", "gait", "runtime"),
        "skdh-0.17.9-py311-a",
        "saved by SKDH 0.17.18, and the runtime has 0.17.9",
    ),
    "reader of another device": (("file_types", 1, "device", "expect"), "geneactiv", "lumbar is geneactiv"),
    "one reader for many files": (
        ("file_types", 1, "on_duplicate"),
        "concatenate",
        "Use a pipeline that begins with MultiReader(mode='concatenate', reader='ReadCwa')",
    ),
    "day windows": (("days",), {"activity_window": [4, 24]}, "has the day window [0, 24], and the study's"),
    "column that is not there": (("pipelines", "gait", "requires"), {"metadata": ["hieght_m"]}, "`height_m`?"),
    "result that overwrites": (("results", "prefix"), "{study}/{subject}/", "would let one result overwrite another"),
    "header field": (("file_types", 0, "device", "header_checks"), {"subject": "Name"}, "no header field `Name`"),
    "limits crossed": (("file_types", 0, "recording", "min_hours"), 1000, "`min_hours` is more than `max_hours`"),
    "key not text": (
        ("metadata", "files", 0, "columns", "subject"),
        {"from": "S", "type": "int"},
        "`0012` and `12` would be one",
    ),
}


@pytest.mark.parametrize(("path", "to", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_each_mistake_is_named_with_its_remedy(tmp_path: Path, path, to, said):
    found = mistakes_of(tmp_path, changed(tmp_path, *path, to=to))
    assert any(said in mistake for mistake in found) if said else not found, found
    assert all(mistake.split(":")[1].isdigit() for mistake in found), found


def test_height_in_centimetres_is_not_passed_to_gait(tmp_path: Path):
    document = study_document(tmp_path)
    document["metadata"]["files"][0]["columns"]["tall"] = {"from": "T", "type": "float", "unit": "cm"}
    document["pipelines"]["gait"]["pass"] = {"height": "metadata.tall"}
    [mistake] = mistakes_of(tmp_path, document)
    assert "pipelines.gait.pass.height: SKDH takes height in m, and tall is cm." in mistake


def test_all_mistakes_come_at_once_in_the_order_of_the_document(tmp_path: Path):
    document = study_document(tmp_path)
    document["study"]["id"] = "lower"
    document["sources"][0]["uri"] = "ftp://x"
    document["file_types"][0]["pipelines"] = ["nothing"]
    document["pipelines"]["gait"]["pass"] = {"height": "metadata.weight"}
    found = mistakes_of(tmp_path, document)
    assert [m.split(": ")[0].split(":")[0] for m in found] == ["study.yaml"] * 4
    lines = [int(mistake.split(":")[1]) for mistake in found]
    assert lines == sorted(lines)
    text = (tmp_path / "study.yaml").read_text().splitlines()
    assert ["lower" in text[lines[0] - 1], "ftp" in text[lines[1] - 1], "nothing" in text[lines[2] - 1]] == [True] * 3


def test_the_error_says_how_many_and_which(tmp_path: Path):
    path = write_study(tmp_path, changed(tmp_path, "study", "id", to="x"))
    with pytest.raises(StudyConfigurationInvalid, match="1 mistake") as caught:
        load_study(path)
    assert caught.value.mistakes[0].key == "study.id"


UNREADABLE = {
    "nothing": (b"", "the document is empty"),
    "no mapping": (b"- 1\n", "Input should be"),
    "a tab": (b"a:\n\tb: 1\n", "not valid YAML"),
    "an open bracket": (b"study: [1, 2\n", "not valid YAML"),
    "twice the same key": (b"a: 1\nb: 2\na: 3\n", "the key is there twice, first in line 1"),
    "an alias": (b"a: &x 1\nb: *x\n", "alias `*x` is not allowed"),
    "a python tag": (b"a: !!python/object/apply:os.system [ls]\n", "is not allowed"),
    "two documents": (b"a: 1\n---\nb: 2\n", "a second document begins here"),
    "no UTF-8": (b"a: \xff\n", "byte 3 is not UTF-8"),
    "too large": (b"#" * (SIZE_LIMIT + 1), "more than"),
    "too deep": (b"a: " + b"[" * 100, "nested deeper"),
    "an alias bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(8)),
        "is not allowed",
    ),
}


@pytest.mark.parametrize(("content", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_document_that_is_no_study_is_refused(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    assert any(said in str(mistake) for mistake in validate(path))


HOURS = st.tuples(st.integers(0, 23), st.integers(1, 24))


@given(
    title=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40),
    window=HOURS,
    days=st.integers(0, 30),
    settle=st.floats(0, 86_400),
    fraction=st.floats(0, 1),
)
def test_a_configuration_survives_being_written_and_read(title, window, days, settle, fraction):
    content = study_document(Path("/study"))
    content["study"]["title"] = title
    content["days"] = {"activity_window": list(window)}
    content["exclusion"] = {"subject": {"min_valid_days": days}}
    content["sources"][0]["settle_seconds"] = settle
    content["file_types"][0]["recording"]["max_bad_block_fraction"] = fraction
    first = StudyDocument.model_validate(content)
    written = yaml.safe_dump(first.model_dump(mode="json", by_alias=True), allow_unicode=True)
    document, mistakes = read_document(written.encode(), "x")
    assert mistakes == []
    assert StudyDocument.model_validate(document.value) == first


def test_the_published_schema_is_current():
    remedy = "Run: python -m biolake.studies.configuration.json_schema docs/study.schema.json"
    assert (DOCS / "study.schema.json").read_text(encoding="utf-8") == schema_text(), remedy


def test_the_schema_takes_what_the_platform_takes(tmp_path: Path):
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    assert list(check.iter_errors(study_document(tmp_path))) == []
    assert list(check.iter_errors(changed(tmp_path, "study", "titel", to="x")))


NAMES = st.text(st.characters(codec="utf-8"), min_size=0, max_size=12)


@given(
    file_type=st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), identity=st.lists(NAMES, min_size=1, max_size=4)
)
def test_a_recording_key_is_spelled_and_read_back(file_type: str, identity: list[str]):
    key = RecordingKey(file_type, tuple(identity))
    assert RecordingKey.parse(str(key)) == key
    assert str(key).isascii()
    assert not set(str(key)) & set("/.,| \n\\")
