"""A saved pipeline is refused before SKDH sees it wherever SKDH would crash, guess, or run what it names."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from biolake.documents.errors import Mistake
from biolake.studies.pipeline_files.process_table import process_table, recorded_versions
from biolake.studies.pipeline_files.read import DayWindows, PipelineFile, read_pipeline
from tests.studies.small_study import gait_pipeline, sleep_pipeline, step

WINDOWS = DayWindows((0, 24), (12, 24))


def read(content: Any, version: str = "0.17.18") -> tuple[PipelineFile | None, list[Mistake]]:
    data = content if isinstance(content, bytes) else yaml.safe_dump(content).encode()
    return read_pipeline(data, "x.skdh", version, WINDOWS)


def refused(content: Any, version: str = "0.17.18") -> str:
    pipeline, mistakes = read(content, version)
    assert pipeline is None
    return "\n".join(str(mistake) for mistake in mistakes)


def test_a_saved_pipeline_is_taken():
    pipeline, mistakes = read(sleep_pipeline())
    assert mistakes == []
    assert pipeline is not None
    assert [s.name for s in pipeline.steps] == [
        "ReadBin",
        "GetDayWindowIndices",
        "Sleep",
        "ActivityLevelClassification",
    ]
    assert pipeline.reader is pipeline.steps[0]


def test_what_skdh_itself_saves_is_taken(tmp_path: Path):
    from skdh import Pipeline
    from skdh.activity import ActivityLevelClassification
    from skdh.io import ReadBin
    from skdh.preprocessing import CalibrateAccelerometer, GetDayWindowIndices
    from skdh.sleep import Sleep

    made = Pipeline()
    made.add(ReadBin())
    made.add(CalibrateAccelerometer())
    made.add(GetDayWindowIndices(bases=[0, 12], periods=[24, 24]))
    made.add(Sleep())
    made.add(ActivityLevelClassification(cutpoints="esliger_lwrist_adult"), name="esliger")
    # The same defaults in two steps are saved as YAML aliases.
    made.add(ActivityLevelClassification(cutpoints="hildebrand_wrist_adult_geneactiv"), name="hildebrand")
    path = tmp_path / "saved.skdh"
    made.save(str(path))
    assert "*id" in path.read_text()
    pipeline, mistakes = read(path.read_bytes())
    assert mistakes == []
    assert pipeline is not None
    assert pipeline.steps[3].day_window == (12, 24)


def with_step(**changes: Any) -> dict[str, Any]:
    content = sleep_pipeline()
    content["Steps"].append({**step("DETACH", "preprocessing.wear_detection"), "name": "more", **changes})
    return content


HARMFUL = {
    "another package": {"package": "os", "module": "path.os", "process": "makedirs", "parameters": {"name": "/x"}},
    "a class that is no process": {"package": "skdh", "module": "pipeline", "process": "Pipeline", "parameters": {}},
    "through a module's imports": {"package": "skdh", "module": "io.csv.os", "process": "system", "parameters": {}},
    "dots in the process": {"package": "skdh", "module": "io", "process": "csv.Path.unlink", "parameters": {}},
    "no text at all": {"package": "skdh", "module": ["io"], "process": {"a": 1}, "parameters": {}},
}


@pytest.mark.parametrize("changes", HARMFUL.values(), ids=HARMFUL.keys())
def test_a_pipeline_that_names_anything_but_a_process_is_refused(changes):
    said = refused(with_step(**changes))
    assert "is not skdh" in said or "is no process of SKDH 0.17.18" in said


def test_files_written_by_the_pipeline_itself_are_refused():
    assert "would write files by itself (/etc/passwd)" in refused(with_step(save_file="/etc/passwd"))
    assert "plot_file" in refused(with_step(plot_file="{file}.pdf"))


def test_python_objects_are_refused():
    text = yaml.safe_dump(sleep_pipeline()).replace("Version: 0.17.18", "Version: !!python/name:os.system ''")
    assert "is not allowed" in refused(text.encode())


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "more than 100,000 values" in refused("\n".join(lines).encode())


def test_an_alias_within_itself_is_refused():
    assert "has no value before it" in refused(b"Steps: &a [*a]\nVersion: 0.17.18\n")


def changed_step(index: int, **parameters: Any) -> dict[str, Any]:
    content = copy.deepcopy(sleep_pipeline())
    content["Steps"][index]["parameters"].update(parameters)
    return content


WRONG: dict[str, tuple[Any, str]] = {
    "unknown step": (with_step(process="Detach"), "Did you mean DETACH?"),
    "unknown parameter": (changed_step(2, min_day_hour=5), "Did you mean `min_day_hours`?"),
    "unknown cut-points": (changed_step(3, cutpoints="migueles"), "SKDH would take its default silently"),
    "no cut-points": (changed_step(3, cutpoints=None), "SKDH would take its default silently"),
    "cut-points that always fail": (changed_step(3, cutpoints="vaha-ypya_hip_adult"), "lack sedentary"),
    "own cut-points with a gap": (changed_step(3, cutpoints={"metric": "metric_enmo"}), "lack kwargs, sedentary"),
    "own cut-points with a metric": (
        changed_step(3, cutpoints={"metric": "os", "kwargs": {}, "sedentary": 1, "light": 2, "moderate": 3}),
        "unknown metric `os`",
    ),
    "cut-points that fall": (
        changed_step(3, cutpoints={"metric": "metric_enmo", "kwargs": {}, "sedentary": 3, "light": 2, "moderate": 3}),
        "do not rise",
    ),
    "sleep without its nights": (changed_step(1, bases=[0], periods=[24]), "no GetDayWindowIndices before Sleep"),
    "another day than the study's": (
        changed_step(3, day_window=[4, 24]),
        "the study's days.activity_window is [0, 24]",
    ),
    "hours that are none": (changed_step(1, bases=[0, 25]), "whole hours from 0 to 23"),
    "a word for a number": (changed_step(2, min_rest_block="thirty"), "is a number, not 'thirty'"),
    "a choice that is none": (changed_step(0, ext_error="ignore"), "Choose one of warn, raise, skip"),
    "two steps of one name": (with_step(name="Sleep"), "two steps are called Sleep"),
    "a reader in the middle": (with_step(process="ReadCwa", module="io.axivity"), "ReadCwa is not the first step"),
    "no reader": (
        {"Steps": sleep_pipeline()["Steps"][1:], "Version": "0.17.18"},
        "GetDayWindowIndices is the first step, and nothing is read before it",
    ),
    "a data file that runs code": (
        with_step(process="ReadNumpyFile", module="io.numpy_compressed", parameters={"allow_pickle": True}),
        "allow_pickle lets a data file run code",
    ),
    "a required parameter": (with_step(process="ReadCSV", module="io.csv"), "needs the parameter `time_col_name`"),
    "options that reach outside": (
        with_step(
            process="ReadCSV",
            module="io.csv",
            parameters={"time_col_name": "t", "column_names": {}, "read_csv_kwargs": {"storage_options": {}}},
        ),
        "may not hold storage_options",
    ),
    "no version": ({"Steps": sleep_pipeline()["Steps"]}, "`Steps` or `Version` is missing"),
    "a version as a number": ({**sleep_pipeline(), "Version": 0.17}, "saved by SKDH 0.17, and the runtime has 0.17.18"),
    "a newer version": (sleep_pipeline("0.18.0"), "saved by SKDH 0.18.0"),
    "no steps": ({"Steps": [], "Version": "0.17.18"}, "no steps"),
    "a step that is none": ({"Steps": ["ReadBin"], "Version": "0.17.18"}, "a step is a mapping"),
    "the old format": (
        {"Steps": [{"ReadBin": {"package": "skdh"}}], "Version": "0.17.18"},
        "missing. Save the pipeline again with SKDH",
    ),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_skdh_would_guess_or_fail_on_is_a_mistake(content, said):
    assert said in refused(content)


def test_a_parameter_that_a_version_no_longer_has_is_named():
    content = gait_pipeline("0.17.9")
    content["Steps"][2]["parameters"]["provide_leg_length"] = False
    assert read(content, "0.17.9")[0] is not None
    assert "no parameter `provide_leg_length` in SKDH 0.17.18" in refused({**content, "Version": "0.17.18"})


def test_a_version_without_a_table_is_said():
    assert "its processes are not recorded, only those of 0.17.9, 0.17.18" in refused(
        sleep_pipeline("0.16.1"), "0.16.1"
    )


def test_gait_without_day_windows_is_a_warning():
    content = gait_pipeline()
    content["Steps"][2]["parameters"]["day_window"] = [0, 24]
    pipeline, mistakes = read(content)
    assert pipeline is not None
    assert [mistake.severity for mistake in mistakes] == ["warning"]


def test_the_recorded_table_is_that_of_the_installed_version():
    from importlib.metadata import version

    from biolake.studies.pipeline_files.skdh_tables.record import cutpoints, metrics, processes

    table = process_table(version("scikit-digital-health"))
    made = processes()
    assert {path: set(entry["parameters"]) for path, entry in made.items()} == {
        path: set(entry.parameters) for path, entry in table.processes.items()
    }
    assert set(cutpoints()) == set(table.cutpoints)
    assert set(metrics()) == set(table.metrics)


def test_versions_are_recorded_oldest_first():
    assert recorded_versions() == ("0.17.9", "0.17.18")
