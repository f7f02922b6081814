"""What the states of files and the rules of exclusion mean to a study's manager, and who has to do something."""

from dataclasses import dataclass
from typing import Literal

from biolake.studies.states import State

Concern = Literal["good", "busy", "person", "none"]


@dataclass(frozen=True)
class Meaning:
    """A state in words: what it is, whose turn it is, and what helps."""

    title: str
    concern: Concern
    advice: str


MEANINGS: dict[State, Meaning] = {
    State.PROCESSED: Meaning("Processed", "good", "Results are there."),
    State.READY: Meaning("Ready", "busy", "Will be processed next."),
    State.PROCESSING: Meaning("In processing", "busy", "A run is working on it."),
    State.ARRIVING: Meaning("Arriving", "busy", "Still growing, or not looked into yet."),
    State.STALE: Meaning("Stale", "person", "Something it was computed from has changed: process it again."),
    State.WAITING: Meaning("Waiting", "person", "Something about the participant is missing: complete the metadata."),
    State.REQUIREMENT_EXPIRED: Meaning("Given up waiting", "person", "The metadata did not come in time: add it."),
    State.METADATA_ERROR: Meaning("Metadata in error", "person", "Correct the participant's row."),
    State.UNMATCHED: Meaning("Name not understood", "person", "Rename the file or correct the configuration."),
    State.DUPLICATE_CONTENT: Meaning("Same file twice", "none", "The first one is used; this one may be removed."),
    State.DUPLICATE_IDENTITY: Meaning("Two files, one recording", "person", "Decide which one counts."),
    State.OVERLAP: Meaning("Overlaps another", "busy", "Shares time with another recording of the participant."),
    State.IDENTITY_MISMATCH: Meaning("Another's recording", "person", "Header and file name disagree: find out whose."),
    State.WRONG_FORMAT: Meaning("Wrong format", "person", "Export it again from the device."),
    State.CORRUPTED: Meaning("Damaged", "person", "Download the device again, if it still holds the data."),
    State.CLOCK_ERROR: Meaning("Clock in error", "person", "The device's clock says what cannot be."),
    State.CRASHED: Meaning("Crashed", "busy", "Will be tried once more."),
    State.FAILED: Meaning("Failed", "person", "Read the reason; process again when it is dealt with."),
    State.SUPERSEDED: Meaning("Replaced", "none", "A newer file has its name."),
    State.REMOVED: Meaning("Removed", "none", "No longer in its bucket."),
    State.LOCKED: Meaning("Locked", "none", "The study is locked: nothing new is processed."),
}

RULES: dict[str, str] = {
    "state": "The file has no results",
    "partial_day": "The recording begins or ends on that day",
    "partial_night": "The recording begins or ends in that night",
    "min_hours": "Too few hours recorded",
    "min_wear_hours": "Not worn long enough",
    "no_sleep_found": "No sleep found in the night",
    "overlap": "Another recording of the participant counts for that date",
    "min_valid_days": "Too few days that count",
    "min_weekend_days": "Too few days of a weekend that count",
}

QC_CODES: dict[str, str] = {
    "too_short": "shorter than the study asks",
    "never_worn": "never worn",
    "calibration_not_done": "not calibrated: too little rest or time",
    "no_night": "no night found",
    "no_gait": "no gait found",
    "rest_not_1g": "acceleration at rest is not 1 g",
    "time_steps_back": "the clock steps back by less than a second",
    "mended": "read from a copy without its damaged blocks",
    "truncated": "ends before its header says",
    "missing_blocks": "blocks are missing",
    "bad_checksum": "blocks are damaged",
    "session_restart": "the device was started twice",
    "bad_page_count": "the header's page count is wrong",
    "gap": "has a gap",
    "overlap": "overlaps another recording",
}


def rule_words(rules: str) -> str:
    """Return rules, joined by `; ` as tables have them, in words."""
    return "; ".join(RULES.get(rule, rule) for rule in rules.split("; ") if rule)


def qc_words(codes: str) -> str:
    """Return QC codes, joined by `; ` as tables have them, in words."""
    return "; ".join(QC_CODES.get(code, code) for code in codes.split("; ") if code)
