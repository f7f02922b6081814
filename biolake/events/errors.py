"""What can be wrong with a queue and with its messages."""

from biolake.errors import BiolakeError


class MalformedEvent(BiolakeError):
    """A message is not a notification of S3."""


class QueueUnavailable(BiolakeError):
    """A queue cannot be reached, does not exist, or refuses the credentials."""

    transient = True


class NoDeadLetterQueue(BiolakeError):
    """A queue has no place for messages that nobody understands."""


class NoEventsQueue(BiolakeError):
    """The deployment lists its bucket and reads no queue."""
