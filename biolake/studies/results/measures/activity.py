"""The measures of SKDH's activity classifications, one value per day.

Source: skdh/activity/core.py and endpoints.py, 0.17.18. Names carry the step's parameters (window and bout lengths).
"""

from collections.abc import Mapping
from typing import Any

from biolake.studies.results.measures.measure import Measure, measure

_STEP = "ActivityLevelClassification"
_LEVELS = {
    "MVPA": "moderate to vigorous activity",
    "sed": "sedentary time",
    "light": "light activity",
    "mod": "moderate activity",
    "vig": "vigorous activity",
}
_FRAGMENTED = {
    "sed": "sedentary time",
    "SLPA": "sedentary time and light activity together",
    "MVPA": "moderate to vigorous activity",
}
_FEATURES = {
    "signal entropy": "entropy of the distribution of its values",
    "sample entropy": "sample entropy: how little the past predicts what follows",
    "permutation entropy": "entropy of the order of neighbouring values; 1 is random",
    "power spectral sum": "sum of the power spectrum around its strongest frequency",
    "spectral flatness": "flatness of the spectrum in decibel; 0 is noise, far below 0 is a rhythm",
    "spectral entropy": "entropy of the power spectrum; 1 is noise",
    "sparc": "arc length of the spectrum; nearer to 0 is smoother",
}


def _of(name: str, unit: str, description: str) -> Measure:
    return measure("day", _STEP, name, unit, description)


def activity(parameters: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures of ActivityLevelClassification with these parameters."""
    epoch = parameters.get("short_wlen", 5)
    windows = parameters.get("max_accel_lens") or (6, 15, 60)
    bouts = parameters.get("bout_lens") or (1, 5, 10)
    found = [
        _of("Total Minutes", "min", "Recorded time of the day."),
        _of("Wear Minutes", "min", "Time of the day during which the device was worn."),
        _of("Wear Wake Minutes", "min", "Time of the day worn and outside the sleep opportunity; where wake is known."),
        _of(
            "wake intensity gradient",
            "",
            "Slope of log minutes over log acceleration: how fast time becomes rarer with intensity. Nearer to 0 is "
            "more time at high intensity.",
        ),
        _of("wake ig intercept", "", "Intercept of the line of which the intensity gradient is the slope."),
        _of("wake ig r-squared", "", "How well that line fits, from 0 to 1."),
    ]
    for length in (*windows, 300, 600):
        what = f"Highest mean of the acceleration metric over {length} minutes awake"
        found.append(_of(f"wake max acc {length}min [g]", "g", f"{what}."))
    found.append(_of("wake min acc 300min [g]", "g", "Lowest mean of the acceleration metric over 300 minutes awake."))
    for level, words in _LEVELS.items():
        found.append(_of(f"wake {level} {epoch}s epoch [min]", "min", f"Minutes of {words} awake, summed over epochs."))
    for level, words in _LEVELS.items():
        for length in bouts:
            text = f"Minutes of {words} awake in bouts of at least {length} min."
            found.append(_of(f"wake {level} {length}min bout [min]", "min", text))
    for level, words in _FRAGMENTED.items():
        found += _fragmentation(level, words)
    found += [
        _of(
            "wake dfa alpha",
            "",
            "Scaling exponent of a detrended fluctuation analysis of activity: near 1 balanced, 0.5 random, 1.5 rigid.",
        ),
        _of("wake dfa activity balance index", "", "How near that exponent is to 1; 1 is balanced."),
        _of(
            "wake threshold equal avg duration [g]",
            "g",
            "Acceleration at which bouts above and below it are equally long on average.",
        ),
        _of("wake duration equal avg duration [min]", "min", "Mean length of bouts at that threshold."),
    ]
    for minutes in (15, 30, 60):
        for name, words in _FEATURES.items():
            text = f"Mean over windows of {minutes} min awake of the acceleration metric's {words}."
            found.append(_of(f"wake {minutes}min {name}", "", text))
    for level, words in _LEVELS.items():
        text = f"Minutes of the intensity of {words} within the sleep opportunity."
        found.append(_of(f"sleep {level} {epoch}s epoch [min]", "min", text))
    return tuple(found)


def _fragmentation(level: str, words: str) -> list[Measure]:
    return [
        _of(f"wake {level} avg duration", "min", f"Mean length of the bouts of {words}, by minutes."),
        _of(f"wake {level} transition probability", "", f"Chance that a bout of {words} ends with its next minute."),
        _of(f"wake {level} gini index", "", f"How unequal the bouts of {words} are; 0 where all are of one length."),
        _of(f"wake {level} avg hazard", "", f"Mean chance that a bout of {words} ends; higher is more fragmented."),
        _of(f"wake {level} power law distribution", "", f"Exponent of a power law fitted to the bouts of {words}."),
    ]


def staudenmayer() -> tuple[Measure, ...]:
    """Return the measures that StaudenmayerClassification always gives; its others carry names of its filters."""
    step = "StaudenmayerClassification"
    return (
        measure("day", step, "Total Minutes", "min", "Recorded time of the day."),
        measure("day", step, "Wear Minutes", "min", "Time of the day during which the device was worn."),
        measure("day", step, "Wear Wake Minutes", "min", "Time of the day worn and outside the sleep opportunity."),
    )
