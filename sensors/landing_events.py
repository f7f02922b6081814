"""The sensor that takes the landing bucket's events from their queue."""

import dagster as dg

from biolake.arrivals.consume import Consumption, consume
from biolake.events.queue import Queue
from resources.platform import PlatformResource

EVENTS_SENSOR = "landing_events"


@dg.sensor(
    name=EVENTS_SENSOR,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Takes events from the queue and notes which objects are worth a look; the repositories' own sensors look at "
        "them. A message that is no notification of S3 ends as a dead letter."
    ),
)
def landing_events(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SkipReason:
    """Take what is in the queue."""
    here = platform.platform
    assert here.settings.events is not None
    told = consume(
        Queue(here.settings.events),
        here.settings.landing,
        here.repositories,
        here.ledger,
        hidden_seconds=here.settings.events_visibility_seconds,
    )
    return dg.SkipReason(_say(told))


def _say(told: Consumption) -> str:
    if not told.messages:
        return "no events"
    said = f"{told.events:,} events in {told.messages:,} messages; {told.keys:,} objects to look at"
    said += f"; {told.elsewhere:,} of other places" if told.elsewhere else ""
    return said + (f"; {told.malformed:,} messages not understood" if told.malformed else "")
