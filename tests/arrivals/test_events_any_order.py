"""Events late, twice, in any order or lost: in the end jobs describe what is there, as with listings alone.

Where none is lost, the end is reached without any listing; where some are, the next listing mends it.
"""

import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from biolake.ledger.events import record_told
from tests.arrivals.test_any_order import NAMES, Arrivals

# A listing stays due at once only where a test wants it.
RARELY = 10_000_000.0


class EventfulArrivals(Arrivals):
    """The machine of listings, whose bucket tells what happens in it."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: list[tuple[str, str | None]] = []
        self.delivered: list[tuple[str, str | None]] = []
        self.sequence = 0
        self.scene.tick()
        self.scene.settings = self.scene.settings.model_copy(
            update={"events": "http://queue", "listing_minutes": RARELY}
        )
        put, remove = self.scene.put, self.scene.remove

        def put_and_tell(name: str, content: str | None = None, size: int = 10) -> None:
            put(name, content, size)
            self.tell(name)

        def remove_and_tell(name: str) -> None:
            remove(name)
            self.tell(name)

        self.scene.put, self.scene.remove = put_and_tell, remove_and_tell  # type: ignore[method-assign]

    def tell(self, name: str) -> None:
        self.sequence += 1
        more = ("", "0", "F", "00AA")[self.sequence % 4]
        self.in_flight.append((f"lab/{name}", f"{self.sequence:06X}{more}"))

    @initialize()
    def nothing_was_seen(self) -> None:
        self.in_flight = [("lab/always.csv", "00")]

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 50), keep=st.booleans())
    def deliver(self, which: int, keep: bool) -> None:
        """A message arrives; where it is kept, its consumer died before it deleted it."""
        event = self.in_flight[which % len(self.in_flight)]
        if not keep:
            self.in_flight.remove(event)
        self.receive(event)

    @precondition(lambda self: self.delivered)
    @rule(which=st.integers(0, 50))
    def deliver_again(self, which: int) -> None:
        self.receive(self.delivered[which % len(self.delivered)])

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(["x", "y", "bad"]), remove=st.booleans())
    def change_and_hear_of_it(self, name: str, content: str, remove: bool) -> None:
        """The event comes at once, and so does the look: maybe before the object has settled."""
        if remove:
            self.scene.remove(name)
        else:
            self.scene.put(name, content if self.by_content else None)
        self.receive(self.in_flight.pop())
        self.scene.tick()

    @rule(
        names=st.lists(st.sampled_from(NAMES), max_size=3),
        gone=st.lists(st.sampled_from(NAMES), max_size=2),
        other=st.booleans(),
    )
    def look_at_keys_slowly(self, names: list[str], gone: list[str], other: bool) -> None:
        """What a look saw is old when it is recorded: newer changes were told, and maybe recorded by another."""

        def meanwhile() -> None:
            self.scene.pass_time(0.1)
            before = len(self.in_flight)
            for name in gone:
                self.scene.remove(name)
            for name in names:
                self.scene.put(name, "x" if self.by_content else None)
            for event in self.in_flight[before:]:
                self.receive(event)
            del self.in_flight[before:]
            if other:
                self.scene.pass_time(3)
                self.scene.tick()
            self.scene.pass_time(0.1)

        self.scene.bucket.while_looking = meanwhile
        self.scene.tick()
        self.scene.bucket.while_looking = None

    def receive(self, event: tuple[str, str | None]) -> None:
        self.delivered.append(event)
        with self.scene.ledger.writing() as connection:
            record_told(connection, "lab", dict([event]), self.scene.now)

    def settle(self) -> None:
        random.Random(len(self.delivered)).shuffle(self.in_flight)
        for event in self.in_flight:
            self.receive(event)
        self.in_flight.clear()
        super().settle()


class LossyArrivals(EventfulArrivals):
    """The same with events that never come, and listings."""

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 50))
    def lose(self, which: int) -> None:
        self.in_flight.pop(which % len(self.in_flight))

    @rule()
    def look_by_listing(self) -> None:
        self.scene.tick(listing_minutes=0.0)

    def settle(self) -> None:
        self.in_flight.clear()
        self.scene.settings = self.scene.settings.model_copy(update={"listing_minutes": 0.0})
        super().settle()


for machine in (EventfulArrivals, LossyArrivals):
    machine.TestCase.settings = settings(
        derandomize=True,
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
test_events_in_any_order_end_with_what_is_there = EventfulArrivals.TestCase
test_a_listing_finds_what_no_event_told = LossyArrivals.TestCase
