"""The measures of `skdh.sleep.Sleep`, one value per night. Source: skdh/sleep/sleep.py and endpoints.py, 0.17.18."""

from biolake.studies.results.measures.measure import Measure, measure


def _of(name: str, unit: str, description: str) -> Measure:
    return measure("night", "Sleep", name, unit, description)


def _pair(name: str, unit: str, what: str) -> tuple[Measure, Measure]:
    """Return a measure of sleep bouts and its twin of wake bouts."""
    return tuple(
        _of(name.format(own=own, other=other), unit, what.format(own=own, other=other))
        for own, other in (("sleep", "wake"), ("wake", "sleep"))
    )  # type: ignore[return-value]


SLEEP: tuple[Measure, ...] = (
    _of("Total Minutes", "min", "Recorded time of the window from which the night was found."),
    _of("Wear Minutes", "min", "Time of that window during which the device was worn."),
    _of(
        "TSO Duration",
        "min",
        "Length of the total sleep opportunity: the longest stretch in which the arm's angle hardly changes, short "
        "interruptions included. Comes near to the time in bed.",
    ),
    _of("total sleep time", "min", "Minutes classified as sleep within the sleep opportunity."),
    _of("percent time asleep", "%", "Part of the sleep opportunity that was slept."),
    _of(
        "number of wake bouts",
        "",
        "How often the sleep was interrupted; being awake before the first and after the last sleep does not count.",
    ),
    _of("sleep onset latency", "min", "From the beginning of the sleep opportunity to the first sleep; empty if none."),
    _of("wake after sleep onset", "min", "Minutes awake between the first and the last sleep of the night."),
    *_pair("average {own} duration", "min", "Mean length of the bouts of {own} within the sleep opportunity."),
    *_pair(
        "{own} {other} transition probability",
        "",
        "Chance that a minute of {own} is followed by {other}: one by the mean length of the bouts of {own}.",
    ),
    *_pair(
        "{own} gini index",
        "",
        "How unequal the bouts of {own} are: 0 where all are of one length, near 1 where one holds nearly all of it.",
    ),
    *_pair(
        "{own} average hazard",
        "",
        "Mean over all lengths of the chance that a bout of {own} of that length ends; higher is more fragmented.",
    ),
    *_pair(
        "{own} power law distribution",
        "",
        "Exponent of a power law fitted to the lengths of the bouts of {own}; higher means more short bouts.",
    ),
)
"""All that Sleep gives besides dates; a night that was not analysed has none of them."""
