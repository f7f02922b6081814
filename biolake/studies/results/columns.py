"""The columns that the platform itself gives to the tables of a study: who, when, how much, and provenance.

Those that SKDH's steps add are described in `measures`. A table's columns depend on the pipeline and
never on the data.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from biolake.studies.results.measures.measure import Kind, Level, Measure

TABLES: tuple[str, ...] = ("file_qc", "day", "night", "bout", "step", "subject_visit", "exclusions", "dictionary")

DTYPES: Mapping[Kind, pl.DataType] = {
    "number": pl.Float64(),
    "count": pl.Int64(),
    "text": pl.String(),
    "flag": pl.Boolean(),
    "time": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
}


def _columns(table: Level, entries: Iterable[tuple[str, Kind, str, str]]) -> tuple[Measure, ...]:
    return tuple(Measure(table, column, kind, unit, text) for column, kind, unit, text in entries)


def who(table: Level) -> tuple[Measure, ...]:
    """Return the columns that say whose result a row is."""
    return _columns(
        table,
        (
            ("study", "text", "", "The study"),
            ("subject", "text", "", "The participant"),
            ("visit", "text", "", "The visit, empty where file names say none"),
            ("location", "text", "", "Where the device was worn, as the file's name says"),
            ("file_type", "text", "", "File type of the study's configuration"),
            ("recording", "text", "", "The recording"),
            ("pipeline", "text", "", "The pipeline"),
        ),
    )


def provenance(table: Level) -> tuple[Measure, ...]:
    """Return the columns that say what a row was computed from and by what."""
    return _columns(
        table,
        (
            ("qc_codes", "text", "", "What must be known of the recording, codes joined by `; `"),
            ("timezone", "text", "", "Time zone in which days are counted"),
            ("file_sha256", "text", "", "Hash of the file; of several files the hash of theirs in order"),
            ("configuration_sha256", "text", "", "Hash of the study's configuration"),
            ("pipeline_sha256", "text", "", "Hash of the saved pipeline"),
            ("runtime", "text", "", "Locked runtime that SKDH ran in"),
            ("runtime_sha256", "text", "", "Hash of all of the runtime that can change a result"),
            ("skdh_version", "text", "", "Version of SKDH in it"),
            ("metadata_used", "text", "", "Metadata values that the result depends on, as JSON"),
            ("run_key", "text", "", "Hash of everything that the result depends on"),
            ("result", "text", "", "Recording and pipeline, whose rows are replaced together"),
            ("code_version", "text", "", "Version of the platform's code"),
            ("run_id", "text", "", "The run that computed it"),
        ),
    )


VOLATILE = ("code_version", "run_id", "configuration_sha256")
"""Columns that may differ between two computations of one run key."""

FILE_QC = _columns(
    "file_qc",
    (
        ("state", "text", "", "What became of the recording: `processed`, `corrupted`, `crashed`, ..."),
        ("reason", "text", "", "Why, where it was not simply processed"),
        ("file_name", "text", "", "Name of the first file"),
        ("n_files", "count", "", "Number of files that together are the recording"),
        ("size_bytes", "count", "bytes", "Size of all of them"),
        ("file_format", "text", "", "Format, told by the first bytes"),
        ("device_kind", "text", "", "Kind of device, as the header says"),
        ("device_id", "text", "", "Serial number, as the header says"),
        ("sampling_hz", "number", "Hz", "Nominal samples per second"),
        ("start_utc", "time", "", "First sample"),
        ("end_utc", "time", "", "Last sample"),
        ("start_local", "text", "", "First sample by the participant's clock"),
        ("end_local", "text", "", "Last sample by the participant's clock"),
        ("duration_hours", "number", "h", "From the first to the last sample"),
        ("recorded_hours", "number", "h", "Of that, time of which there are samples"),
        ("n_samples", "count", "", "Samples that were read"),
        ("n_samples_expected", "count", "", "Samples that the file's size promises"),
        ("bad_block_fraction", "number", "", "Part of the blocks that are damaged or missing, from 0 to 1"),
        ("problems", "text", "", "What is wrong with the files, `code: message` joined by `; `"),
        ("mended", "text", "", "What was done to the copy that SKDH read, empty where it read the file itself"),
        ("rest_g", "number", "g", "Acceleration at rest before calibration; far from 1 is a wrong unit"),
        ("calibrated", "flag", "", "Whether calibration changed anything; empty where it was not a step"),
        ("wear_hours", "number", "h", "Time worn; empty where no step detects wear"),
        ("wear_fraction", "number", "", "Part of the recorded time that was worn"),
        ("n_days", "count", "", "Days that the recording touches"),
        ("n_nights", "count", "", "Nights that it touches; 0 where no step looks for sleep"),
        ("n_gait_bouts", "count", "", "Bouts of gait found; empty where no step looks for gait"),
        ("n_steps", "count", "", "Steps found in them"),
        ("warnings", "text", "", "What SKDH warned about, joined by `; `"),
    ),
)


def _window(table: Level, what: str) -> tuple[Measure, ...]:
    return _columns(
        table,
        (
            ("date", "date", "", f"Date on which the {what} begins, by the participant's clock"),
            ("weekday", "text", "", "Its weekday"),
            ("is_weekend", "flag", "", f"Whether it counts as {what} of a weekend"),
            ("start_utc", "time", "", "Its beginning, or the recording's"),
            ("end_utc", "time", "", "Its end, or the recording's"),
            ("start_local", "text", "", "The same by the participant's clock"),
            ("end_local", "text", "", "The same by the participant's clock"),
            ("window_hours", "number", "h", f"Length of the whole {what}: 23 or 25 h where the clock changes"),
            ("hours", "number", "h", "Time of it of which there are samples"),
            ("wear_hours", "number", "h", "Time of it that the device was worn; empty where no step detects wear"),
            ("partial", "flag", "", "Whether the recording begins or ends in it"),
        ),
    )


DAY = (
    *_window("day", "day"),
    *_columns(
        "day",
        (
            ("rules_apply", "flag", "", "Whether the rules for days are applied: the pipeline finds wear or activity"),
            ("gait_bouts", "count", "", "Bouts of gait of the day; empty where no step looks for gait"),
            ("gait_steps", "count", "", "Steps in them"),
            ("gait_minutes", "number", "min", "Length of them together"),
            ("gait_speed_m_per_s", "number", "m/s", "Mean gait speed of the day's steps (model 2)"),
            ("gait_cadence_steps_per_min", "number", "steps/min", "Mean cadence of the day's steps"),
        ),
    ),
)
DAY_SUMMED = ("gait_bouts", "gait_steps", "gait_minutes", "gait_speed_m_per_s", "gait_cadence_steps_per_min")
"""Columns of a day beside SKDH's own of which means over days are made."""

NIGHT = (
    *_window("night", "night"),
    *_columns(
        "night",
        (
            ("cut", "flag", "", "Whether the recording misses some of the middle half of the window"),
            ("sleep_start_utc", "time", "", "Beginning of the sleep opportunity; empty where none was found"),
            ("sleep_end_utc", "time", "", "Its end"),
            ("sleep_start_local", "text", "", "Its beginning by the participant's clock"),
            ("sleep_end_local", "text", "", "Its end by the participant's clock"),
        ),
    ),
)

BOUT = _columns(
    "bout",
    (
        ("kind", "text", "", "`wear` or `gait`"),
        ("bout", "count", "", "Number of the bout of its kind in the recording, from 1"),
        ("date", "date", "", "Date on which it begins, by the participant's clock"),
        ("start_utc", "time", "", "Its beginning"),
        ("end_utc", "time", "", "Its end"),
        ("start_local", "text", "", "Its beginning by the participant's clock"),
        ("duration_s", "number", "s", "Its length"),
        ("n_steps", "count", "", "Steps in a bout of gait"),
        ("n_gait_cycles", "count", "", "Whole gait cycles in it"),
    ),
)

STEP = _columns(
    "step",
    (
        ("bout", "count", "", "Number of the bout, as in `bout`"),
        ("date", "date", "", "Date of the step, by the participant's clock"),
        ("contact_utc", "time", "", "The foot's contact with the ground"),
        ("contact_in_bout_s", "number", "s", "The same from the beginning of the bout"),
    ),
)

EXCLUSIONS = _columns(
    "exclusions",
    (
        ("level", "text", "", "What is left out: `file`, `day`, `night` or `visit`"),
        ("date", "date", "", "Date of the day or night"),
        ("rule", "text", "", "The rule that comes first: `state`, `partial_day`, `min_hours`, `overlap`, ..."),
        ("rules", "text", "", "All rules that it breaks, joined by `; `"),
        ("reason", "text", "", "In words"),
        ("hours", "number", "h", "Its hours of recording"),
        ("wear_hours", "number", "h", "Its hours of wear"),
    ),
)

SUBJECT_VISIT = _columns(
    "subject_visit",
    (
        ("study", "text", "", "The study"),
        ("subject", "text", "", "The participant"),
        ("visit", "text", "", "The visit, empty where file names say none"),
        ("location", "text", "", "Where the device was worn"),
        ("file_type", "text", "", "File type of the study's configuration"),
        ("pipeline", "text", "", "The pipeline"),
        ("runtime", "text", "", "The runtime; results of two are never summed up together"),
        ("runtime_sha256", "text", "", "Hash of all of the runtime that can change a result"),
        ("included", "flag", "", "Whether the visit has enough days; its means are empty where not"),
        ("rule", "text", "", "The rule that leaves it out"),
        ("n_recordings", "count", "", "Recordings with results"),
        ("n_days", "count", "", "Days recorded"),
        ("n_days_kept", "count", "", "Days that count"),
        ("n_weekdays_kept", "count", "", "Of those, days from Monday to Friday"),
        ("n_weekend_days_kept", "count", "", "Of those, Saturdays and Sundays"),
        ("n_nights", "count", "", "Nights recorded"),
        ("n_nights_kept", "count", "", "Nights that count"),
        ("wear_hours_mean", "number", "h", "Mean wear of the days that count"),
        ("qc_codes", "text", "", "What must be known of its recordings"),
        ("run_keys", "text", "", "Run keys of the results that were summed up, joined by `; `"),
        ("rules_sha256", "text", "", "Hash of the exclusion rules"),
    ),
)

DICTIONARY: Mapping[str, pl.DataType] = {
    "table": pl.String(),
    "column": pl.String(),
    "unit": pl.String(),
    "description": pl.String(),
    "step": pl.String(),
    "skdh_name": pl.String(),
    "skdh_version": pl.String(),
    "pipeline": pl.String(),
    "source": pl.String(),
}


def schema_of(measures: Iterable[Measure]) -> dict[str, pl.DataType]:
    """Return the names and types of columns, in order."""
    return {entry.column: DTYPES[entry.kind] for entry in measures}
