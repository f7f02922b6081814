"""Put dead letters back into the queue that they came from."""

from biolake.events.queue import Queue

# Long enough for ten messages to be sent and deleted.
_HIDDEN_SECONDS = 60


def redrive(queue: Queue) -> int:
    """Move all messages of the queue's dead-letter queue back into it, and return how many.

    Each is put into the queue before it is deleted: dying in between leaves it in both, which does no harm.

    Raises:
        NoDeadLetterQueue: There is none.
        QueueUnavailable: A queue did not answer, or refused; what was moved before that is.
    """
    dead, moved = queue.dead_letters(), 0
    while messages := dead.receive(wait_seconds=1, hidden_seconds=_HIDDEN_SECONDS):
        queue.send([message.body for message in messages])
        dead.delete([message.receipt for message in messages])
        moved += len(messages)
    return moved
