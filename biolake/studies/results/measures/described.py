"""Which measures a step of SKDH gives with its parameters."""

from collections.abc import Mapping
from typing import Any

from biolake.studies.results.measures.activity import activity, staudenmayer
from biolake.studies.results.measures.gait import GAIT
from biolake.studies.results.measures.measure import Measure
from biolake.studies.results.measures.sleep import SLEEP


def described(process: str, parameters: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures that a step gives with these parameters, whatever the data.

    Args:
        process: The step's class.
        parameters: As its pipeline file has them; defaults where it says nothing.
    """
    if process == "Sleep":
        return SLEEP
    if process == "ActivityLevelClassification":
        return activity(parameters)
    if process == "StaudenmayerClassification":
        return staudenmayer()
    if process == "GaitLumbar":
        return GAIT
    return ()
