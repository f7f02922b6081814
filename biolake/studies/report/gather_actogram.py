"""Gathering the rows of a recording's actogram from its tables; drawing them is `plot_actogram`."""

import io
from datetime import datetime

import polars as pl

from biolake.objects.errors import ObjectNotFound
from biolake.objects.store import ObjectStore
from biolake.studies.report.plot_actogram import ActogramDay
from biolake.studies.results.clock import Span
from biolake.studies.results.manifest import Manifest
from biolake.studies.results.movement import SCHEMA
from biolake.studies.results.windows import windows


def read_movement(store: ObjectStore, prefix: str) -> pl.DataFrame:
    """Return the movement of a result by the minute, empty where none was kept."""
    try:
        return pl.read_parquet(io.BytesIO(store.get(f"{prefix}movement.parquet")))
    except ObjectNotFound:
        return pl.DataFrame(schema=SCHEMA)


def actogram_days(
    day: pl.DataFrame, night: pl.DataFrame, bout: pl.DataFrame, movement: pl.DataFrame, made: Manifest
) -> list[ActogramDay]:
    """Return the rows of the actogram from a recording's tables.

    Args:
        day: Its days, with `exclusion_rules`.
        night: Its nights.
        bout: Its bouts.
        movement: Its minutes.
        made: Its record.
    """
    if day.is_empty():
        return []
    start, end = day["start_utc"].min(), day["end_utc"].max()
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    found = windows(Span(start.timestamp(), end.timestamp()), made.recipe.timezone, *made.recipe.windows["activity"])
    worn = _spans(bout.filter(pl.col("kind") == "wear"), "start_utc", "end_utc")
    gait = _spans(bout.filter(pl.col("kind") == "gait"), "start_utc", "end_utc")
    sleep = _spans(night.filter(~pl.col("excluded")), "sleep_start_utc", "sleep_end_utc")
    other = _spans(night.filter("excluded"), "sleep_start_utc", "sleep_end_utc")
    minutes = list(zip(movement["start_utc"].dt.epoch("ms") / 1000, movement["movement_mg"], strict=True))
    known = bool(day["wear_hours"].is_not_null().any())
    rules = dict(zip(day["date"], day["exclusion_rules"], strict=True))

    def within(spans: list[tuple[float, float]], begin: float, over: float) -> tuple[tuple[float, float], ...]:
        cut = [(max(a, begin), min(b, over)) for a, b in spans]
        return tuple(((a - begin) / 3600, (b - begin) / 3600) for a, b in cut if a < b)

    return [
        ActogramDay(
            day=window.day,
            hours=window.hours,
            recorded=within([(window.recorded.start, window.recorded.end)], window.whole.start, window.whole.end),
            worn=within(worn, window.whole.start, window.whole.end) if known else None,
            sleep=tuple(
                (start, end, counts)
                for spans, counts in ((other, False), (sleep, True))
                for start, end in within(spans, window.whole.start, window.whole.end)
            ),
            gait=within(gait, window.whole.start, window.whole.end),
            movement=tuple(
                ((moment - window.whole.start) / 3600, mg)
                for moment, mg in minutes
                if window.whole.start <= moment < window.whole.end
            ),
            rules=rules.get(window.day, ""),
        )
        for window in found
    ]


def _spans(frame: pl.DataFrame, start: str, end: str) -> list[tuple[float, float]]:
    known = frame.filter(pl.col(start).is_not_null() & pl.col(end).is_not_null())
    return [(a.timestamp(), b.timestamp()) for a, b in zip(known[start], known[end], strict=True)]
