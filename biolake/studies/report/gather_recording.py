"""Gathering what the page of a recording shows: its files, and for each pipeline its days, quality and provenance."""

import re
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore
from biolake.studies.catalog.status import status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import UnknownRecording
from biolake.studies.models import RecordingKey
from biolake.studies.report.gather_actogram import actogram_days, read_movement
from biolake.studies.report.gather_study import (
    ACTIVE,
    column,
    dictionary_lines,
    exclusion_line,
    file_line,
    software_line,
)
from biolake.studies.report.models import DayLine, Fact, RecordingPage, RecordingResult, Tile
from biolake.studies.report.plot_actogram import actogram
from biolake.studies.report.words import qc_words, rule_words
from biolake.studies.results.lake_tables import current_runs, run_manifest
from biolake.studies.results.manifest import Manifest
from biolake.studies.results.read import ResultsReader

_LEAST_HOURS = 2.0
_LIGHT = re.compile(r"^wake_light_\d+s_epoch_min$")
_SEDENTARY = re.compile(r"^wake_sed_\d+s_epoch_min$")


def recording_page(
    study: StudyConfiguration,
    engine: Engine,
    lake: Lake,
    results_store: ObjectStore,
    key: RecordingKey | str,
    now: datetime,
) -> RecordingPage:
    """Gather the page of a recording.

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
    files = status(study, engine).filter(pl.col("recording") == str(key))
    found = current_runs(lake, study.id, recording=str(key)).sort("pipeline")
    if files.is_empty() and found.is_empty():
        raise UnknownRecording(f"{study.id}: there is no recording {key}. See study status for those there are.")
    subject = files["subject"][0] if files.height else found["subject"][0]
    reader = ResultsReader(study, lake)
    return RecordingPage(
        study=study.id,
        title=study.document.study.title,
        recording=str(key),
        subject=subject or "",
        visit=found["visit"][0] if found.height else "",
        made=now,
        files=tuple(file_line(row) for row in files.iter_rows(named=True)),
        results=tuple(
            _result(reader, results_store, run_manifest(lake, study.id, row), row["prefix"])
            for row in found.iter_rows(named=True)
        ),
    )


def _result(reader: ResultsReader, store: ObjectStore, made: Manifest, prefix: str) -> RecordingResult:
    recipe = made.recipe
    mine = {
        name: reader.table(name, runtime=recipe.runtime, pipeline=recipe.pipeline).filter(
            pl.col("recording") == recipe.recording
        )
        for name in ("file_qc", "day", "night", "bout", "exclusions")
    }
    dictionary = reader.table("dictionary", runtime=recipe.runtime, pipeline=recipe.pipeline)
    qc: dict[str, Any] = mine["file_qc"].to_dicts()[0] if mine["file_qc"].height else {}
    day, night, bout = mine["day"], mine["night"], mine["bout"]
    gait = bout.filter(pl.col("kind") == "gait").height > 0 or qc.get("n_gait_bouts") is not None
    return RecordingResult(
        pipeline=recipe.pipeline,
        run_key=recipe.run_key,
        state=made.state,
        qc=qc_words(qc.get("qc_codes") or ""),
        tiles=_tiles(qc, day, night),
        actogram=_actogram(qc, day, night, bout, read_movement(store, prefix), made),
        days=tuple(_day_lines(day, night)),
        wear=qc.get("wear_hours") is not None,
        gait=gait,
        activity=column(day, ACTIVE) is not None and _any(day, column(day, ACTIVE)),
        sleep=night.height > 0,
        exclusions=tuple(exclusion_line(row) for row in mine["exclusions"].iter_rows(named=True)),
        quality=_quality(qc, made),
        warnings=tuple(dict.fromkeys(warned["message"] for warned in made.warnings)),
        provenance=_provenance(made, store.uri(prefix)),
        software=software_line(made),
        dictionary=dictionary_lines(dictionary.filter(pl.col("table").is_in(["day", "night", "bout", "step"]))),
    )


def _actogram(
    qc: dict[str, Any],
    day: pl.DataFrame,
    night: pl.DataFrame,
    bout: pl.DataFrame,
    movement: pl.DataFrame,
    made: Manifest,
) -> str:
    # Of a test in a laboratory a day's row would show nothing.
    if (qc.get("duration_hours") or 0.0) < _LEAST_HOURS:
        return ""
    return actogram(actogram_days(day, night, bout, movement, made))


def _any(frame: pl.DataFrame, name: str | None) -> bool:
    return name is not None and frame[name].null_count() < frame.height


def _tiles(qc: dict[str, Any], day: pl.DataFrame, night: pl.DataFrame) -> tuple[Tile, ...]:
    hours, worn = qc.get("recorded_hours"), qc.get("wear_hours")
    tiles = [
        Tile("Recorded", _long(hours) if hours is not None else "nothing", _span(qc)),
    ]
    if worn is not None:
        tiles.append(Tile("Worn", _long(worn), _share(qc.get("wear_fraction"))))
    if day.height and bool(day["rules_apply"].any()):
        kept = day.filter(~pl.col("excluded")).height
        tiles.append(Tile("Days that count", f"{kept}", f"of {day.height} recorded", "good" if kept else "person"))
    if night.height:
        kept = night.filter(~pl.col("excluded")).height
        tiles.append(Tile("Nights that count", f"{kept}", f"of {night.height} recorded", "good" if kept else "person"))
    if qc.get("n_steps") is not None:
        tiles.append(Tile("Steps", f"{qc['n_steps']:,}", f"in {qc['n_gait_bouts']} bouts of gait"))
    return tuple(tiles)


def _long(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _share(fraction: float | None) -> str:
    return f"{100 * fraction:.0f} % of the recording" if fraction is not None else ""


def _span(qc: dict[str, Any]) -> str:
    if not qc.get("start_local"):
        return qc.get("reason") or ""
    return f"{qc['start_local'][:16].replace('T', ' ')} to {qc['end_local'][:16].replace('T', ' ')}"


def _day_lines(day: pl.DataFrame, night: pl.DataFrame) -> list[DayLine]:
    nights = {row["date"]: row for row in night.iter_rows(named=True)}
    days = {row["date"]: row for row in day.iter_rows(named=True)}
    names = {key: column(day, pattern) for key, pattern in (("mvpa", ACTIVE), ("light", _LIGHT), ("sed", _SEDENTARY))}

    def of(row: dict[str, Any], key: str) -> float | None:
        name = names[key]
        return row.get(name) if name else None

    lines: list[DayLine] = []
    for date in sorted({*days, *nights}):
        row, following = days.get(date, {}), nights.get(date, {})
        slept = following.get("total_sleep_time_min")
        lines.append(
            DayLine(
                date=f"{date:%a %d %b %Y}",
                weekend=date.weekday() >= 5,
                hours=_hours(row),
                wear_hours=row.get("wear_hours"),
                active_minutes=of(row, "mvpa"),
                light_minutes=of(row, "light"),
                sedentary_minutes=of(row, "sed"),
                steps=row.get("gait_steps"),
                gait_speed=row.get("gait_speed_m_per_s"),
                sleep=_slept(following),
                sleep_hours=slept / 60 if slept is not None else None,
                efficiency=following.get("percent_time_asleep"),
                day_rule=rule_words(row.get("exclusion_rules") or ""),
                night_rule=rule_words(following.get("exclusion_rules") or ""),
            )
        )
    return lines


def _hours(row: dict[str, Any]) -> str:
    if not row:
        return ""
    return f"{row['hours']:.{1 if row['hours'] >= 1 else 2}f} of {row['window_hours']:g}"


def _slept(row: dict[str, Any]) -> str:
    if not row.get("sleep_start_local"):
        return ""
    return f"{row['sleep_start_local'][11:16]} to {row['sleep_end_local'][11:16]}"


def _quality(qc: dict[str, Any], made: Manifest) -> tuple[Fact, ...]:
    calibrated = {True: "done", False: "not done", None: "no step of the pipeline"}[qc.get("calibrated")]
    damaged = qc.get("bad_block_fraction")
    facts = [
        ("File", _named(qc)),
        ("Device", " ".join(str(qc[name]) for name in ("device_kind", "device_id") if qc.get(name))),
        ("Sampling", f"{qc['sampling_hz']:g} Hz" if qc.get("sampling_hz") else ""),
        ("Samples", f"{qc['n_samples']:,} of {qc['n_samples_expected']:,} expected" if qc.get("n_samples") else ""),
        ("Damaged blocks", f"{100 * damaged:.2f} %" if damaged is not None else ""),
        ("Problems", qc.get("problems") or "none"),
        ("Mended copy", qc.get("mended") or "no"),
        ("Acceleration at rest", f"{qc['rest_g']:.3f} g" if qc.get("rest_g") is not None else ""),
        ("Calibration", calibrated),
        ("Time zone", made.recipe.timezone),
    ]  # fmt: skip
    return tuple(Fact(name, value) for name, value in facts if value)


def _named(qc: dict[str, Any]) -> str:
    others = (qc.get("n_files") or 1) - 1
    return f"{qc.get('file_name') or ''}" + (f" and {others} more" if others else "")


def _provenance(made: Manifest, uri: str) -> tuple[Fact, ...]:
    recipe = made.recipe
    used = ", ".join(f"{name} = {value}" for name, value in sorted(recipe.metadata.items())) or "none"
    seconds = made.cost.get("wall_seconds", 0.0)
    files = recipe.files
    return (
        Fact("Run key", recipe.run_key),
        *(Fact("File", f"{file.uri} (SHA-256 {file.sha256})") for file in files[:5]),
        *((Fact("Further files", f"{len(files) - 5}, listed in the manifest"),) if len(files) > 5 else ()),
        Fact("Metadata used", used),
        Fact("Configuration (SHA-256)", recipe.configuration_sha256),
        Fact("Pipeline (SHA-256)", recipe.pipeline_sha256),
        Fact("Runtime (SHA-256)", recipe.runtime_sha256),
        Fact("Run", made.run_id),
        Fact("Computed", f"{made.ended:%Y-%m-%d %H:%M} UTC on {made.host} in {seconds:.0f} s" if made.ended else ""),
        Fact("Result files", uri),
    )
