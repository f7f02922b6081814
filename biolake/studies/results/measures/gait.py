"""The measures of `skdh.gait.GaitLumbar`, one value per step or per bout. Source: skdh/gait/gait_metrics, 0.17.18.

SKDH returns 18 columns where it finds no bout and 60 where it does; here they are always all.
"""

from biolake.studies.results.measures.measure import Measure, measure

_ASYMMETRIC = (
    ("stride time", "s", "From one contact of a foot to the next of the same foot."),
    ("stance time", "s", "From a foot's contact to its leaving the ground."),
    ("swing time", "s", "From a foot's leaving the ground to its next contact."),
    ("step time", "s", "From a foot's contact to that of the other."),
    ("initial double support", "s", "From a foot's contact until the other leaves the ground."),
    ("terminal double support", "s", "From the other foot's contact until this one leaves the ground."),
    ("double support", "s", "Time of a stride in which both feet are on the ground."),
    ("single support", "s", "Time of a stride in which only this foot is on the ground."),
    ("step length", "m", "Distance of a step by a double inverted pendulum (model 2). Needs the height."),
    ("stride length", "m", "Distance of a stride by model 2. Needs the height."),
    ("gait speed", "m/s", "Length of a stride by its time, by model 2. Needs the height."),
    ("step length m1", "m", "Distance of a step by a single inverted pendulum (model 1). Needs the height."),
    ("stride length m1", "m", "Distance of a stride by model 1. Needs the height."),
    ("gait speed m1", "m/s", "Length of a stride by its time, by model 1. Needs the height."),
)
_PLAIN = (
    ("m1 delta h", "m", "Change of the trunk's height during a step, for model 1."),
    ("m2 delta h", "m", "Change of the trunk's height during a step, for model 2."),
    ("m2 delta h prime", "m", "Change of the trunk's height during double support, for model 2."),
    ("cadence", "steps/min", "Steps per minute: 60 s by the time of the step."),
    ("intra-step covariance - V", "", "How alike the vertical acceleration of a step and the next is; 1 is alike."),
    ("intra-stride covariance - V", "", "How alike the vertical acceleration of a stride and the next is; 1 is alike."),
    ("harmonic ratio - V", "", "Symmetry of a stride's two steps by its vertical frequencies; higher is better."),
    ("stride SPARC", "", "Smoothness of a stride by the arc length of its spectrum; nearer to 0 is smoother."),
)
_BOUT = (
    ("phase coordination index", "%", "How far steps are from half a stride, over the bout; lower is better."),
    ("gait symmetry index", "", "Symmetry of steps over the bout; 1 is symmetric."),
    ("step regularity - V", "", "Vertical regularity from step to step over the bout; 1 is regular."),
    ("stride regularity - V", "", "Vertical regularity from stride to stride over the bout; 1 is regular."),
    ("autocovariance symmetry - V", "", "Step regularity less stride regularity, absolute; 0 is symmetric."),
    ("regularity index - V", "", "Evenness of step and stride regularity; 1 is even."),
)


def _step(name: str, unit: str, description: str) -> Measure:
    return measure("step", "GaitLumbar", name, unit, description)


STEP: tuple[Measure, ...] = (
    *(
        entry
        for name, unit, text in _ASYMMETRIC
        for entry in (
            _step(name, unit, text),
            _step(f"{name} asymmetry", unit, f"The same of the next step less this one: {name}."),
        )
    ),
    *(_step(name, unit, text) for name, unit, text in _PLAIN),
)
"""One value per step; empty where the next steps it needs do not follow without a break."""

BOUT: tuple[Measure, ...] = tuple(
    measure("bout", "GaitLumbar", f"bout:{name}", unit, text) for name, unit, text in _BOUT
)
"""One value per bout."""

GAIT: tuple[Measure, ...] = (*STEP, *BOUT)

STEP_FACTS: tuple[Measure, ...] = (
    measure("step", "GaitLumbar", "Turn", "", "Step within a turn: 0 no, 1 partly, 2 wholly, -1 not known (no gyro)."),
    measure("step", "GaitLumbar", "debug:mean step freq", "Hz", "Mean frequency of steps of the bout."),
)
"""What is said of a step that is no measure."""
