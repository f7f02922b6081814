"""Which days, nights and visits count: every one is kept or listed, and never both."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolake.studies.configuration.pipelines import DayExclusion, Exclusion, NightExclusion, SubjectExclusion
from biolake.studies.results import columns
from biolake.studies.results.exclude import excluded_days, excluded_nights, exclusions
from biolake.studies.results.measures.measure import measure
from biolake.studies.results.summarise import excluded_visits, summarise

MVPA = measure("day", "ActivityLevelClassification", "active [min]", "min", "Minutes.")
SLEPT = measure("night", "Sleep", "slept", "min", "Minutes.")
DAY = columns.schema_of((*columns.who("day"), *columns.DAY, MVPA, *columns.provenance("day")))
NIGHT = columns.schema_of((*columns.who("night"), *columns.NIGHT, SLEPT, *columns.provenance("night")))
FILE = columns.schema_of((*columns.who("file_qc"), *columns.FILE_QC, *columns.provenance("file_qc")))
MONDAY = date(2024, 5, 6)


def who(subject: str = "0001", recording: str = "r1", visit: str = "V1", location: str = "left") -> dict:
    return {
        "study": "S",
        "subject": subject,
        "visit": visit,
        "location": location,
        "file_type": "wrist",
        "recording": recording,
        "pipeline": "wrist",
        "runtime": "a",
        "runtime_sha256": "x",
        "qc_codes": "",
        "run_key": f"key-{recording}",
    }


def day(number: int, hours: float = 24, worn: float | None = 24, *, partial: bool = False, **names: str) -> dict:
    when = MONDAY + timedelta(days=number)
    said = {"date": when, "is_weekend": when.weekday() >= 5, "hours": float(hours), "window_hours": 24.0}
    said |= {"wear_hours": None if worn is None else float(worn), "partial": partial, "rules_apply": True}
    return {**who(**names), **said, "active_min": 10.0 * (number + 1)}


def night(number: int, worn: float | None = 24, *, cut: bool = False, found: bool = True, **names: str) -> dict:
    when = MONDAY + timedelta(days=number)
    said = {"date": when, "is_weekend": when.weekday() in (4, 5), "hours": 24.0, "wear_hours": worn, "cut": cut}
    said |= {"start_local": "2024-05-06T12:00", "end_local": "2024-05-07T12:00"}
    start = pl.Series([when]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")[0] if found else None
    return {**who(**names), **said, "sleep_start_utc": start, "slept_min": 400.0 + number}


def rules(**options: object) -> Exclusion:
    partial = options.pop("partial", "exclude")
    least_days, least_weekend = options.pop("days", 0), options.pop("weekend", 0)
    return Exclusion(
        day=DayExclusion(**options),  # type: ignore[arg-type]
        night=NightExclusion(min_wear_hours=6),
        subject=SubjectExclusion(min_valid_days=least_days, min_weekend_days=least_weekend),  # type: ignore[arg-type]
        first_last_partial_day=partial,  # type: ignore[arg-type]
    )


def broken(days: list[dict], exclusion: Exclusion) -> dict[int, list[str]]:
    return {i: [entry.rule for entry in why] for i, why in excluded_days(frame(days, DAY), exclusion).items()}


@pytest.mark.parametrize(
    ("row", "exclusion", "expected"),
    [
        (day(0), rules(), []),
        (day(0, hours=20, worn=10), rules(), []),
        (day(0, hours=19.9, worn=19.9), rules(), ["min_hours"]),
        (day(0, worn=9.9), rules(), ["min_wear_hours"]),
        (day(0, worn=0), rules(), ["min_wear_hours"]),
        (day(0, worn=None), rules(), []),
        (day(0, hours=22, worn=22, partial=True), rules(), ["partial_day"]),
        (day(0, hours=22, worn=22, partial=True), rules(partial="include"), []),
        (day(0, hours=22, worn=22, partial=True), rules(partial="flag"), []),
        (day(0, hours=5, worn=2, partial=True), rules(), ["partial_day", "min_hours", "min_wear_hours"]),
        ({**day(0, hours=1, worn=None), "rules_apply": False}, rules(), []),
    ],
)
def test_a_day_breaks_exactly_the_rules_it_breaks(row, exclusion, expected):
    assert broken([row], exclusion).get(0, []) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (night(0), []),
        (night(0, worn=5.9), ["min_wear_hours"]),
        (night(0, cut=True), ["partial_night"]),
        (night(0, found=False), ["no_sleep_found"]),
    ],
)
def test_a_night_breaks_exactly_the_rules_it_breaks(row, expected):
    found = {i: [entry.rule for entry in why] for i, why in excluded_nights(frame([row], NIGHT), rules()).items()}
    assert found.get(0, []) == expected


def test_of_two_recordings_of_one_date_the_one_worn_longer_counts():
    rows = [day(0, worn=12, recording="r1"), day(0, worn=20, recording="r2"), day(1, worn=12, recording="r1")]
    assert broken(rows, rules()) == {0: ["overlap"]}


def test_a_date_that_one_recording_left_out_counts_for_the_other():
    rows = [day(0, worn=12, recording="r1"), day(0, worn=22, recording="r2", partial=True)]
    assert broken(rows, rules()) == {1: ["partial_day"]}


def test_two_wrists_and_two_subjects_do_not_overlap():
    rows = [day(0), day(0, location="right", recording="r2"), day(0, subject="0002", recording="r3")]
    assert broken(rows, rules()) == {}


DAYS = st.builds(
    day,
    st.integers(0, 9),
    hours=st.floats(0, 25),
    worn=st.one_of(st.none(), st.floats(0, 25)),
    partial=st.booleans(),
    subject=st.sampled_from(["0001", "0002"]),
    recording=st.sampled_from(["r1", "r2", "r3"]),
    visit=st.sampled_from(["V1", "V2"]),
)
NIGHTS = st.builds(
    night,
    st.integers(0, 9),
    worn=st.one_of(st.none(), st.floats(0, 25)),
    cut=st.booleans(),
    found=st.booleans(),
    subject=st.sampled_from(["0001", "0002"]),
    recording=st.sampled_from(["r1", "r2", "r3"]),
    visit=st.sampled_from(["V1", "V2"]),
)
RULES = st.builds(
    rules,
    min_hours=st.floats(0, 24),
    min_wear_hours=st.floats(0, 24),
    partial=st.sampled_from(["include", "exclude", "flag"]),
    days=st.integers(0, 4),
    weekend=st.integers(0, 2),
)


def files_of(rows: list[dict]) -> pl.DataFrame:
    names = ("subject", "visit", "recording")
    seen = {tuple(row[name] for name in names): row for row in rows}
    start = pl.Series([MONDAY]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")[0]
    made = [
        {**who(subject=s, visit=v, recording=r), "state": "processed", "reason": "", "start_utc": start}
        for s, v, r in seen
    ]
    return frame(made, FILE)


def frame(rows: list[dict], schema: dict) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


@settings(max_examples=60, deadline=None)
@given(days=st.lists(DAYS, max_size=25), nights=st.lists(NIGHTS, max_size=15), exclusion=RULES)
def test_days_in_are_days_kept_plus_days_left_out(days, nights, exclusion):
    three = (files_of([*days, *nights]), frame(days, DAY), frame(nights, NIGHT))
    listed = exclusions(*three, exclusion)
    summary = summarise(*three, [MVPA, SLEPT], exclusion)
    by_level = dict(listed.group_by("level").len().iter_rows())
    assert summary["n_days"].sum() == len(days)
    assert summary["n_days_kept"].sum() + by_level.get("day", 0) == len(days)
    assert summary["n_nights_kept"].sum() + by_level.get("night", 0) == len(nights)
    assert (summary["n_weekdays_kept"] + summary["n_weekend_days_kept"]).to_list() == summary["n_days_kept"].to_list()
    assert excluded_visits(summary).height == summary.filter(~pl.col("included")).height
    assert listed["rule"].null_count() == 0
    assert set(listed["reason"].str.len_chars() > 0) <= {True}
    # A date of a subject counts once, whatever the recordings.
    out = excluded_days(frame(days, DAY), exclusion)
    kept = [(row["subject"], row["date"]) for i, row in enumerate(days) if i not in out]
    assert len(kept) == len(set(kept))
    # A mean over days lies between its parts.
    for row in summary.filter("included").iter_rows(named=True):
        parts = [row["wd_active_min"], row["we_active_min"]]
        known = [value for value in parts if value is not None]
        if row["ad_active_min"] is not None:
            assert min(known) - 1e-9 <= row["ad_active_min"] <= max(known) + 1e-9
        else:
            assert row["n_days_kept"] == 0


@settings(max_examples=30, deadline=None)
@given(days=st.lists(DAYS, max_size=20, unique_by=lambda row: (row["subject"], row["recording"], row["date"])),
       exclusion=RULES, seed=st.randoms())  # fmt: skip
def test_the_order_of_days_changes_nothing(days, exclusion, seed):
    def kept(rows):
        out = excluded_days(frame(rows, DAY), exclusion)
        return {(r["subject"], r["recording"], r["visit"], r["date"]) for i, r in enumerate(rows) if i not in out}

    shuffled = list(days)
    seed.shuffle(shuffled)
    assert kept(days) == kept(shuffled)


def test_means_are_over_the_days_that_count():
    days = [day(0), day(1, worn=2), day(5), day(6)]
    nights = [night(0), night(4), night(5, cut=True)]
    three = (files_of(days), frame(days, DAY), frame(nights, NIGHT))
    (row,) = summarise(*three, [MVPA, SLEPT], rules(days=2, weekend=1)).to_dicts()
    assert row["included"]
    assert (row["n_days"], row["n_days_kept"], row["n_weekend_days_kept"]) == (4, 3, 2)
    assert row["ad_active_min"] == pytest.approx((10 + 60 + 70) / 3)
    assert (row["wd_active_min"], row["we_active_min"]) == (10, 65)
    assert (row["ad_night_slept_min"], row["wd_night_slept_min"], row["we_night_slept_min"]) == (402, 400, 404)


def test_a_visit_with_too_few_days_has_a_row_and_no_means():
    days = [day(0), day(5)]
    (row,) = summarise(files_of(days), frame(days, DAY), frame([], NIGHT), [MVPA], rules(days=3, weekend=2)).to_dicts()
    assert not row["included"]
    assert row["rule"] == "min_valid_days; min_weekend_days"
    assert row["ad_active_min"] is None
