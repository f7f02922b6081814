"""What the rows of one recording and pipeline are made from, read together once; no rows here."""

from dataclasses import dataclass

from biolake.studies.processing.models import Outcome
from biolake.studies.processing.results import Results, read_results
from biolake.studies.results.clock import Clock, Span, read_clock
from biolake.studies.results.recipe import Recipe, RecipeStep
from biolake.studies.states import State

DAY_STEPS = ("ActivityLevelClassification", "StaudenmayerClassification")
OWN_TABLES = frozenset({*DAY_STEPS, "Sleep", "GaitLumbar"})
"""Processes whose results have columns of their own."""


@dataclass(frozen=True)
class Made:
    """What rows are made from.

    Attributes:
        recipe: All besides the recording.
        outcome: What became of it.
        results: What SKDH returned, None where it did not run to its end.
        clock: The recording's time, None where nothing was read.
        wear: When the device was worn, None where no step detects it.
    """

    recipe: Recipe
    outcome: Outcome
    results: Results | None
    clock: Clock | None
    wear: list[Span] | None

    @property
    def recorded(self) -> Span | None:
        """From the first to the last sample."""
        if self.results is None or self.clock is None or not len(self.clock.time):
            return None
        return Span(float(self.clock.time[0]), float(self.clock.time[-1]))

    def kept_step(self, *processes: str) -> RecipeStep | None:
        """Return the step of one of these processes whose results are kept."""
        return next((s for s in self.recipe.steps if s.process in processes and s.kept is not None), None)


def gather(recipe: Recipe, outcome: Outcome) -> Made:
    """Read what a processing has left."""
    results = read_results(outcome.output) if _has_results(outcome) and outcome.output is not None else None
    clock = read_clock(outcome.output, outcome.read) if results is not None else None
    return Made(recipe, outcome, results, clock, _wear(results, clock))


def _has_results(outcome: Outcome) -> bool:
    return outcome.state is State.PROCESSED and outcome.output is not None


def _wear(results: Results | None, clock: Clock | None) -> list[Span] | None:
    """Return what the last step that detects wear found, as SKDH's later steps see it."""
    if results is None or clock is None:
        return None
    found = [step for step in results.steps if step.has("wear")]
    return clock.spans(found[-1].array("wear")) if found else None
