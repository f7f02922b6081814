"""The sensor that tells a queue of datasets and runs that failed."""

from datetime import UTC, datetime

import dagster as dg

from biolake.arrivals.incidents import tell_incidents
from biolake.events.queue import Queue
from resources.platform import PlatformResource


@dg.sensor(
    name="incidents",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the notifications queue of datasets and runs that failed, once for each incident.",
)
def incidents(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
    """Tell what is new."""
    here = platform.platform
    assert here.settings.notifications is not None
    told = tell_incidents(here.ledger, Queue(here.settings.notifications), datetime.now(UTC))
    return dg.SkipReason(f"{told} incidents told" if told else "no new incidents")
