"""The order of events of one key. Sequencers of different keys cannot be compared.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""


def is_newer(sequencer: str, than: str) -> bool:
    """Whether an event is newer than another of its key: hexadecimal, the shorter filled with zeros on the right."""
    width = max(len(sequencer), len(than))
    return sequencer.upper().ljust(width, "0") > than.upper().ljust(width, "0")


def newest(sequencers: list[str | None]) -> str | None:
    """The newest of a key's sequencers; None where no event has one."""
    found: str | None = None
    for sequencer in sequencers:
        if sequencer is not None and (found is None or is_newer(sequencer, found)):
            found = sequencer
    return found
