"""The states of a recording's file and the ways from one to another; nothing about where they are stored.

A file version has exactly one state. Two sides change it: the catalog judges what a file is fit for, and processing
reports what happened. The catalog never touches a file that is being processed, and processing starts only from a state
that says so. docs/study-states.md has the table for readers.
"""

from enum import StrEnum

from biolake.studies.errors import IllegalTransition


class State(StrEnum):
    """What is known of one version of one file."""

    UNMATCHED = "unmatched"
    ARRIVING = "arriving"
    WAITING = "waiting"
    METADATA_ERROR = "metadata_error"
    DUPLICATE_CONTENT = "duplicate_content"
    DUPLICATE_IDENTITY = "duplicate_identity"
    OVERLAP = "overlap"
    IDENTITY_MISMATCH = "identity_mismatch"
    WRONG_FORMAT = "wrong_format"
    CORRUPTED = "corrupted"
    CLOCK_ERROR = "clock_error"
    READY = "ready"
    PROCESSING = "processing"
    PROCESSED = "processed"
    CRASHED = "crashed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    STALE = "stale"
    REQUIREMENT_EXPIRED = "requirement_expired"
    LOCKED = "locked"
    REMOVED = "removed"


JUDGED: frozenset[State] = frozenset(
    {
        State.UNMATCHED,
        State.ARRIVING,
        State.WAITING,
        State.METADATA_ERROR,
        State.DUPLICATE_CONTENT,
        State.DUPLICATE_IDENTITY,
        State.OVERLAP,
        State.IDENTITY_MISMATCH,
        State.WRONG_FORMAT,
        State.CORRUPTED,
        State.CLOCK_ERROR,
        State.READY,
        State.REQUIREMENT_EXPIRED,
        State.LOCKED,
    }
)
"""States the catalog gives by judging a file that was not processed; it may give another of them at any time."""

ENDED: frozenset[State] = frozenset({State.SUPERSEDED, State.REMOVED})
"""States of versions that are no longer in the bucket under their name."""

STARTABLE: frozenset[State] = frozenset({State.READY, State.OVERLAP, State.CRASHED})
"""States from which processing may start."""

QUARANTINED: frozenset[State] = frozenset(
    {
        State.DUPLICATE_IDENTITY,
        State.IDENTITY_MISMATCH,
        State.WRONG_FORMAT,
        State.CORRUPTED,
        State.CLOCK_ERROR,
        State.METADATA_ERROR,
    }
)
"""States that only a person can end: by a new file, corrected metadata or a changed configuration."""

REFUSALS: frozenset[State] = frozenset({State.WRONG_FORMAT, State.CORRUPTED, State.CLOCK_ERROR})
"""States that reading the samples can lead to although looking into the file found nothing wrong."""

_BY_PROCESSING: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.PROCESSING}),
    State.OVERLAP: frozenset({State.PROCESSING}),
    State.CRASHED: frozenset({State.PROCESSING, State.FAILED}),
    State.PROCESSING: frozenset(
        {
            State.PROCESSED,
            State.CRASHED,
            State.FAILED,
            State.READY,
            State.WRONG_FORMAT,
            State.CORRUPTED,
            State.CLOCK_ERROR,
        }
    ),
    State.PROCESSED: frozenset({State.STALE, State.READY}),
    State.STALE: frozenset({State.READY}),
    State.FAILED: frozenset({State.READY}),
}


def may_judge(current: State) -> bool:
    """Say whether the catalog may give a file in state `current` another of the judged states."""
    return current in JUDGED


def may_end(current: State) -> bool:
    """Say whether a file in state `current` may be superseded or removed: always, but once."""
    return current not in ENDED


def allowed_from(current: State) -> frozenset[State]:
    """Return the states that processing may give a file in state `current`."""
    return _BY_PROCESSING.get(current, frozenset())


def require_transition(current: State, wanted: State, what: str) -> None:
    """Check that processing may change a file from `current` to `wanted`.

    Raises:
        IllegalTransition: It may not; the message names `what` and the states it may have next.
    """
    allowed = allowed_from(current)
    if wanted in allowed:
        return
    choices = ", ".join(sorted(allowed)) or "none: only a new version of the file or of the study changes it"
    raise IllegalTransition(f"{what} is {current} and cannot become {wanted}. Possible from here: {choices}.")
