"""Gathering what the page of a study shows: states from the catalog, results from the lake."""

import re
from collections import Counter
from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.studies.catalog.status import status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.report.models import (
    DictionaryLine,
    ExclusionLine,
    Fact,
    FileLine,
    SoftwareLine,
    StateCount,
    StudyPage,
    Tile,
    VisitLine,
)
from biolake.studies.report.plot_enrolment import enrolment
from biolake.studies.report.plot_measures import strip
from biolake.studies.report.plot_wear import WornDay, WornRecording, wear_map
from biolake.studies.report.svg import ACTIVITY, GAIT, SLEEP, WEAR
from biolake.studies.report.words import MEANINGS, rule_words
from biolake.studies.results.lake_tables import run_manifest
from biolake.studies.results.manifest import Manifest
from biolake.studies.results.read import ResultsReader
from biolake.studies.states import ENDED, State

_MOST_FILES, _MOST_RECORDINGS, _MOST_EXCLUSIONS, _MOST_VISITS = 300, 250, 500, 500
_ORDER = ("person", "busy", "good", "none")
ACTIVE = re.compile(r"wake_mvpa_\d+s_epoch_min$")


def column(frame: pl.DataFrame, pattern: re.Pattern[str]) -> str | None:
    """Return the column of a frame that a pattern finds; names carry the pipeline's parameters."""
    return next((name for name in frame.columns if pattern.search(name)), None)


def study_page(study: StudyConfiguration, engine: Engine, lake: Lake, now: datetime) -> StudyPage:
    """Gather the page of a study.

    Args:
        study: The configuration.
        engine: Where the catalog's tables are.
        lake: The lake.
        now: The time, UTC.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    files = status(study, engine)
    current = files.filter(pl.col("current"))
    reader = ResultsReader(study, lake)
    tables = {
        name: reader.table(name, mixed=True) for name in ("file_qc", "day", "subject_visit", "exclusions", "dictionary")
    }
    made = reader.runs
    visits, excluded = tables["subject_visit"], tables["exclusions"]
    lines, more = _files(current)
    worn, worn_more = _worn(tables["day"])
    first_seen = _first_seen(current)
    expected = study.document.study.expected_subjects
    return StudyPage(
        study=study.id,
        title=study.document.study.title,
        status=study.document.study.status,
        made=now,
        tiles=_tiles(study, current, tables),
        enrolment=enrolment(first_seen, expected, now.date()),
        states=_states(files),
        files=lines,
        files_more=more,
        wear=wear_map(worn) if worn else "",
        wear_more=worn_more,
        measures=_measures(visits),
        visits=tuple(_visit(row, visits) for row in visits.head(_MOST_VISITS).iter_rows(named=True)),
        visits_more=max(0, visits.height - _MOST_VISITS),
        exclusion_counts=_counts(excluded),
        exclusions=tuple(exclusion_line(row) for row in excluded.head(_MOST_EXCLUSIONS).iter_rows(named=True)),
        exclusions_more=max(0, excluded.height - _MOST_EXCLUSIONS),
        rules=_rules(study),
        software=_software(study, lake, made),
        provenance=_provenance(study, made),
        dictionary=dictionary_lines(tables["dictionary"]),
        mixed=made["runtime"].n_unique() > 1,
    )


def _tiles(study: StudyConfiguration, current: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> tuple[Tile, ...]:
    subjects = current.filter(pl.col("subject").is_not_null() & (pl.col("subject") != ""))["subject"].n_unique()
    expected = study.document.study.expected_subjects
    recordings = current.filter(pl.col("recording").is_not_null())
    total = recordings["recording"].n_unique()
    done = recordings.filter(pl.col("state") == State.PROCESSED.value)["recording"].n_unique()
    person = sum(MEANINGS[State(state)].concern == "person" for state in current["state"])
    days, visits = tables["day"], tables["subject_visit"]
    kept = days.filter(~pl.col("excluded")).height if days.height else 0
    included = visits.filter("included").height
    return (
        Tile("Subjects with data", f"{subjects}", f"of {expected} expected" if expected else "no number expected"),
        Tile("Recordings processed", f"{done}", f"of {total} in the catalog", "good" if total == done else "busy"),
        Tile("Files that need you", f"{person}", "see the list below" if person else "nothing to do",
             "person" if person else "good"),
        Tile("Days that count", f"{kept}", f"of {days.height} recorded"),
        Tile("Visits with enough days", f"{included}", f"of {visits.height}"),
    )  # fmt: skip


def _first_seen(current: pl.DataFrame) -> list[date]:
    known = current.filter(
        pl.col("subject").is_not_null() & (pl.col("subject") != "") & pl.col("file_type").is_not_null()
    )
    if known.is_empty():
        return []
    return known.group_by("subject").agg(pl.col("modified").min())["modified"].dt.date().to_list()


def _states(files: pl.DataFrame) -> tuple[StateCount, ...]:
    counts = Counter(State(state) for state in files["state"])
    lines = [
        StateCount(MEANINGS[state].title, state.value, count, MEANINGS[state].concern, MEANINGS[state].advice)
        for state, count in counts.items()
    ]
    return tuple(sorted(lines, key=lambda line: (_ORDER.index(line.concern), -line.count, line.code)))


def _files(current: pl.DataFrame) -> tuple[tuple[FileLine, ...], int]:
    waiting = [
        file_line(row)
        for row in current.iter_rows(named=True)
        if State(row["state"]) not in ENDED and MEANINGS[State(row["state"])].concern != "good"
    ]
    waiting.sort(key=lambda line: (_ORDER.index(line.concern), line.title, line.name))
    return tuple(waiting[:_MOST_FILES]), max(0, len(waiting) - _MOST_FILES)


def file_line(row: dict[str, Any]) -> FileLine:
    """Return a file of the catalog as a line."""
    meaning = MEANINGS[State(row["state"])]
    return FileLine(row["key"], row["subject"] or "", meaning.title, meaning.concern, row["reason"], row["since"])


def _worn(days: pl.DataFrame) -> tuple[list[WornRecording], int]:
    watched = days.filter("rules_apply") if days.height else days
    rows: list[WornRecording] = []
    groups = watched.sort("subject", "visit", "location", "recording", "date").group_by(
        "subject", "visit", "location", "recording", "pipeline", maintain_order=True
    )
    for key, group in groups:
        label = " ".join(str(part) for part in key[:3] if part)
        rows.append(WornRecording(label, tuple(_worn_day(row) for row in group.iter_rows(named=True))))
    return rows[:_MOST_RECORDINGS], max(0, len(rows) - _MOST_RECORDINGS)


def _worn_day(row: dict[str, Any]) -> WornDay:
    rules = rule_words(row["exclusion_rules"])
    return WornDay(row["date"], row["hours"], row["wear_hours"], row["window_hours"], row["is_weekend"], rules)


def _measures(visits: pl.DataFrame) -> tuple[str, ...]:
    """Return a picture for each measure that managers ask for first, where the study has it."""
    active = column(visits, re.compile("^ad_" + ACTIVE.pattern))
    wanted: list[tuple[str, str, str | None, float, str, int]] = [
        ("Wear per day", "h", "wear_hours_mean", 1.0, WEAR[4], 1),
        ("Moderate to vigorous activity per day", "min", active, 1.0, ACTIVITY, 0),
        ("Sleep per night", "h", "ad_night_total_sleep_time_min", 60.0, SLEEP, 1),
        ("Steps per day", "steps", "ad_gait_steps", 1.0, GAIT, 0),
        ("Gait speed", "m/s", "ad_gait_speed_m_per_s", 1.0, GAIT, 2),
    ]  # fmt: skip
    found: list[str] = []
    for title, unit, name, divisor, color, digits in wanted:
        if name is None or name not in visits.columns or visits[name].null_count() == visits.height:
            continue
        values = [
            (f"{row['subject']} {row['visit']}", row[name] / divisor)
            for row in visits.iter_rows(named=True)
            if row[name] is not None
        ]
        found.append(strip(title, unit, values, color, digits))
    return tuple(found)


def _visit(row: dict[str, Any], visits: pl.DataFrame) -> VisitLine:
    active = column(visits, re.compile("^ad_" + ACTIVE.pattern))
    sleep = row.get("ad_night_total_sleep_time_min")
    return VisitLine(
        subject=row["subject"],
        visit=" ".join(part for part in (row["visit"], row["location"]) if part),
        pipeline=row["pipeline"],
        days=f"{row['n_days_kept']} of {row['n_days']}",
        nights=f"{row['n_nights_kept']} of {row['n_nights']}" if row["n_nights"] else "",
        wear_hours=row["wear_hours_mean"],
        active_minutes=row[active] if active else None,
        sleep_hours=sleep / 60 if sleep is not None else None,
        steps=row.get("ad_gait_steps"),
        gait_speed=row.get("ad_gait_speed_m_per_s"),
        included=row["included"],
        why=rule_words(row["rule"] or ""),
    )


def _counts(excluded: pl.DataFrame) -> tuple[tuple[str, str, int], ...]:
    counts = Counter(zip(excluded["level"], excluded["rule"], strict=True))
    return tuple((level, rule_words(rule), count) for (level, rule), count in counts.most_common())


def exclusion_line(row: dict[str, Any]) -> ExclusionLine:
    """Return a row of `exclusions` as a line."""
    day = f"{row['date']:%a %d %b %Y}" if row["date"] else ""
    rule = rule_words(row["rule"])
    return ExclusionLine(
        row["level"], row["subject"], row["visit"] or "", row["recording"] or "", day, rule, row["reason"] or ""
    )


def _rules(study: StudyConfiguration) -> tuple[Fact, ...]:
    rules = study.document.exclusion
    asked = rules.subject
    partial = {"exclude": "left out", "include": "counted", "flag": "counted and flagged"}
    return (
        Fact("A day counts with", f"{rules.day.min_hours:g} h recorded and {rules.day.min_wear_hours:g} h worn"),
        Fact("A night counts with", f"{rules.night.min_wear_hours:g} h worn from noon to noon, and sleep found"),
        Fact("A visit counts with", f"{asked.min_valid_days} days, {asked.min_weekend_days} of a weekend"),
        Fact("First and last partial day", partial[rules.first_last_partial_day]),
        Fact("Two recordings on one date", "the one worn longer counts"),
    )


def _software(study: StudyConfiguration, lake: Lake, made: pl.DataFrame) -> tuple[SoftwareLine, ...]:
    key = ["pipeline", "pipeline_sha256", "runtime_sha256", "code_version", "image"]
    counts = made.group_by(key, maintain_order=True).len()
    first = made.unique(key, keep="last").join(counts, on=key, nulls_equal=True).sort(key)
    return tuple(software_line(run_manifest(lake, study.id, run), run["len"]) for run in first.iter_rows(named=True))


def software_line(made: Manifest, results: int = 1) -> SoftwareLine:
    """Return what a result was computed with."""
    recipe, said = made.recipe, made.runtime
    blas = [*said.get("blas", []), *said.get("blas_core_types", [])]
    return SoftwareLine(
        pipeline=recipe.pipeline,
        pipeline_sha256=recipe.pipeline_sha256,
        runtime=recipe.runtime,
        runtime_sha256=recipe.runtime_sha256,
        skdh=recipe.skdh_version,
        python=str(said.get("python", "")),
        numpy=str(said.get("numpy", "")),
        blas=", ".join(str(part) for part in blas),
        patches=", ".join(str(patch.get("name", "")) for patch in said.get("patches", [])) or "none",
        code_version=made.code_version,
        image=made.image or "",
        results=results,
    )


def _provenance(study: StudyConfiguration, made: pl.DataFrame) -> tuple[Fact, ...]:
    newest = made["stored_at"].max()
    older = made.filter(pl.col("configuration_sha256") != study.sha256).height
    return (
        Fact("Configuration (SHA-256)", study.sha256),
        Fact("Results shown", f"{made.height:,}"),
        Fact("Computed under an earlier configuration", f"{older:,}"),
        Fact("Newest result", f"{newest:%Y-%m-%d %H:%M} UTC" if isinstance(newest, datetime) else "none yet"),
        Fact("Runs", f"{made['run_id'].n_unique():,}"),
        Fact("Place of results", study.document.results.uri),
        Fact("Time zone where none is known", study.document.study.timezone_default),
    )


def dictionary_lines(dictionary: pl.DataFrame) -> tuple[DictionaryLine, ...]:
    """Return the columns that carry results, each once."""
    if dictionary.is_empty():
        return ()
    seen = dictionary.unique(["table", "column"], keep="first", maintain_order=True)
    return tuple(
        DictionaryLine(row["table"], row["column"], row["unit"], row["description"], row["step"])
        for row in seen.iter_rows(named=True)
    )
