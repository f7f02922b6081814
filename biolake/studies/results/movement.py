"""How much a recording moved in every minute, for pictures of it; no measure of activity.

Kept as files beside a result and not in the lake. Made from what `processing/worker/overview.py` has left.
"""

import numpy as np
import polars as pl

from biolake.studies.results.made import Made

SCHEMA = {"start_utc": pl.Datetime("us", "UTC"), "movement_mg": pl.Float32()}


def movement(made: Made) -> pl.DataFrame:
    """Return a row per minute: its beginning, and the standard deviation of the acceleration's length [mg]."""
    if made.clock is None or made.recorded is None:
        return pl.DataFrame(schema=SCHEMA)
    # A tenth of a mg is finer than any device and coarser than what another CPU computes differently.
    size = np.round(made.clock.movement.astype(np.float64) * 1000, 1).astype(np.float32)
    starts = np.round(made.clock.minutes * 1e6).astype("datetime64[us]")
    return pl.DataFrame({"start_utc": starts, "movement_mg": size}).select(
        pl.col("start_utc").dt.replace_time_zone("UTC"), pl.col("movement_mg")
    )
