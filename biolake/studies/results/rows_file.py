"""The row of `file_qc`: what the recording is, what is wrong with it, and what was found; there whatever happened."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from biolake.studies.processing.models import Outcome
from biolake.studies.results.clock import seconds_within
from biolake.studies.results.made import Made
from biolake.studies.results.outputs import Row
from biolake.studies.results.windows import local_text, utc, windows

_MOST_PROBLEMS = 50


def file_row(made: Made, bouts: Sequence[Row]) -> Row:
    """Return the row of one recording and pipeline.

    Args:
        made: What rows are made from.
        bouts: The rows of `bout`.
    """
    outcome, recipe = made.outcome, made.recipe
    first = outcome.scans[0] if outcome.scans else None
    problems = [f"{p.code.value}: {p.message}" for scan in outcome.scans for p in scan.problems]
    return {
        "state": outcome.state.value,
        "reason": outcome.reason,
        "file_name": PurePosixPath(recipe.files[0].key).name if recipe.files else "",
        "n_files": len(recipe.files),
        "size_bytes": sum(file.size for file in recipe.files),
        "file_format": first.format.value if first else None,
        "device_kind": first.device_kind if first else None,
        "device_id": first.device_id if first else None,
        "sampling_hz": first.sampling_hz if first else None,
        "n_samples_expected": sum(scan.n_samples_expected for scan in outcome.scans) if outcome.scans else None,
        "bad_block_fraction": max((scan.bad_block_fraction for scan in outcome.scans), default=None),
        "problems": "; ".join(problems[:_MOST_PROBLEMS]),
        "mended": outcome.mended,
        "n_samples": outcome.read.get("samples"),
        "rest_g": outcome.read.get("rest_g"),
        "calibrated": _calibrated(outcome),
        "warnings": "; ".join(dict.fromkeys(warned.message for warned in outcome.warnings)),
        **_times(made),
        **_gait(made, bouts),
    }


def _calibrated(outcome: Outcome) -> bool | None:
    said = [step.calibrated for step in outcome.steps if step.calibrated is not None]
    return all(said) if said else None


def _times(made: Made) -> Row:
    recorded = made.recorded
    if recorded is None or made.clock is None:
        return {}
    zone = made.recipe.timezone
    covered = sum(span.seconds for span in made.clock.recorded)
    worn = seconds_within(made.wear, recorded) if made.wear is not None else None
    nights = made.kept_step("Sleep") is not None
    return {
        "start_utc": utc(recorded.start),
        "end_utc": utc(recorded.end),
        "start_local": local_text(recorded.start, zone),
        "end_local": local_text(recorded.end, zone),
        "duration_hours": recorded.seconds / 3600,
        "recorded_hours": covered / 3600,
        "wear_hours": worn / 3600 if worn is not None else None,
        "wear_fraction": min(1.0, worn / covered) if worn is not None and covered else None,
        "n_days": len(windows(recorded, zone, *made.recipe.windows["activity"])),
        "n_nights": len(windows(recorded, zone, *made.recipe.windows["sleep"])) if nights else 0,
    }


def _gait(made: Made, bouts: Sequence[Row]) -> Row:
    if made.results is None or made.kept_step("GaitLumbar", "PredictGaitLumbarLgbm") is None:
        return {}
    gait = [bout for bout in bouts if bout["kind"] == "gait"]
    counted = made.kept_step("GaitLumbar") is not None
    return {
        "n_gait_bouts": len(gait),
        "n_steps": sum(bout.get("n_steps") or 0 for bout in gait) if counted else None,
    }
