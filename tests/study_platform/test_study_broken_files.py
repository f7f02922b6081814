"""Every kind of broken recording ends in its state with its reason, and its neighbours finish."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from tests.studies.generate import broken
from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.study_platform.conftest import (
    CURRENT,
    DAYS,
    READ_BIN,
    READ_CWA,
    WEAR,
    StudyDeployment,
    deployed,
    file_type,
)

EXPECTED = {
    "whole": "processed",
    "header_only": "corrupted",
    "missing_blocks": "processed",
    "missing_first_blocks": "processed",
    "session_restart": "corrupted",
    "cut_within_block": "corrupted",
    "bad_checksum": "processed",
    "erased_blocks": "processed",
    "zero_tail": "corrupted",
    "clock_jump": "clock_error",
    "clock_unset": "clock_error",
    "clock_backwards": "clock_error",
    "gap": "clock_error",
    "bin_cut_within_page": "corrupted",
    "bin_header_only": "corrupted",
    "bin_page_count_high": "corrupted",
    "bin_page_count_low": "corrupted",
    "bin_sequence_beyond": "processed",
    "bin_missing_pages": "processed",
    "bin_damaged_page": "processed",
    "bin_restart": "corrupted",
    "zeros": "wrong_format",
    "random": "wrong_format",
    "genea": "wrong_format",
    "matrix": "wrong_format",
    "empty": "wrong_format",
    "tiny": "corrupted",
    "compressed": "wrong_format",
    "wave": "wrong_format",
}
CODES = {
    "whole": "",
    "missing_blocks": "gap, mended, missing_blocks",
    "bad_checksum": "bad_checksum, gap, mended",
    "erased_blocks": "bad_checksum, gap, mended",
    "bin_sequence_beyond": "bad_sequence, mended",
    "bin_damaged_page": "bad_checksum, gap, mended",
}


def subject(name: str) -> str:
    return name.replace("_", "-")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory, runtime_cache: Path, runtime) -> Iterator[StudyDeployment]:
    """All kinds at once, in one study, between two that are whole."""
    runtime(CURRENT)
    folder = tmp_path_factory.mktemp("broken")
    with deployed(folder, runtime_cache) as made:
        rules = {"outputs": {"AccelThresholdWearDetection": "intervals"}}
        clock = {"clock": {"min_date": "2010-01-01"}}
        made.document["file_types"] = [
            file_type("lumbar", "axivity", "cwa", "worn_cwa", **clock),
            file_type("wrist", "geneactiv", "bin", "worn_bin", **clock),
        ]
        made.pipeline("worn_cwa", READ_CWA, DAYS, WEAR, **rules)
        made.pipeline("worn_bin", READ_BIN, DAYS, WEAR, **rules)
        cwa, geneactiv = folder / "whole.cwa", folder / "whole.bin"
        write_cwa(cwa, Person(datetime(2024, 3, 4, 10), 1.2), 50.0)
        write_geneactiv(geneactiv, Person(datetime(2024, 3, 4, 10), 1.2), 50.0)
        made.put("lumbar/whole_V1.cwa", cwa)
        made.put("wrist/whole_V1.bin", geneactiv)
        for name, fault in broken.CWA.items():
            made.put(f"lumbar/{subject(name)}_V1.cwa", fault(cwa.read_bytes()))
        for name, fault in broken.GENEACTIV.items():
            made.put(f"wrist/{subject(name)}_V1.bin", fault(geneactiv.read_bytes()))
        for name, content in broken.IMPOSTORS.items():
            stem, suffix = name.split(".")
            if suffix in ("bin", "cwa"):
                made.put(f"{'wrist' if suffix == 'bin' else 'lumbar'}/{stem}_V1.{suffix}", content)
        made.add()
        made.drive()
        yield made


def test_every_kind_is_in_its_state(processed: StudyDeployment) -> None:
    found = {key.rpartition("/")[2].split("_")[0]: row["state"] for key, row in processed.files().items()}
    assert found == {subject(name): state for name, state in EXPECTED.items()}


def test_what_is_not_used_says_why(processed: StudyDeployment) -> None:
    for row in processed.files().values():
        assert row["state"] == "processed" or len(row["reason"]) > 20
        assert row["since"] is not None


def test_what_is_used_says_what_is_wrong(processed: StudyDeployment) -> None:
    codes = {key.rpartition("/")[2].split("_")[0]: row["qc_code"] or "" for key, row in processed.files().items()}
    # In little more than an hour SKDH finds no wear.
    found = {name: set(codes[subject(name)].split(", ")) - {"never_worn"} for name in CODES}
    assert found == {name: set(text.split(", ")) if text else set() for name, text in CODES.items()}


def test_only_what_is_fit_was_run(processed: StudyDeployment) -> None:
    runs = processed.instance.get_runs(dg.RunsFilter(job_name="study_test_001_recording"))
    n_processed = sum(row["state"] == "processed" for row in processed.files().values())
    assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * n_processed
    assert processed.drive() == 0


def test_states_add_up_to_the_files(processed: StudyDeployment) -> None:
    metadata = processed.materialization("catalog")
    assert metadata["dagster/row_count"].value == len(processed.files())
    assert processed.checks(None)["files_add_up"]


def test_the_report_has_every_file_that_was_not_used(processed: StudyDeployment) -> None:
    page = Path(str(processed.materialization("report")["report"].value).removeprefix("file://")).read_text()
    for key, row in processed.files().items():
        if row["state"] != "processed":
            assert key.rpartition("/")[2] in page
