"""What a storage of Dagster made of three is, whichever they are: `pooled_storage` and `sqlite_storage` open them."""

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage
from dagster._core.storage.schedules import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData


class ThreeStorages(DagsterStorage, ConfigurableClass):
    """Runs, events and schedules, each in a storage of its own."""

    def __init__(
        self,
        runs: RunStorage,
        events: EventLogStorage,
        schedules: ScheduleStorage,
        inst_data: ConfigurableClassData | None,
    ) -> None:
        """Take the three.

        Args:
            runs: Runs.
            events: Events, and what is known of assets.
            schedules: Ticks and cursors of sensors and schedules.
            inst_data: What another process makes this storage from.
        """
        self._runs, self._events, self._schedules, self._inst_data = runs, events, schedules, inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What another process makes this storage from."""
        return self._inst_data

    @property
    def run_storage(self) -> RunStorage:
        """Runs."""
        return self._runs

    @property
    def event_log_storage(self) -> EventLogStorage:
        """Events, and what is known of assets."""
        return self._events

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """Ticks and cursors of sensors and schedules."""
        return self._schedules

    @property
    def run_storage_data(self) -> ConfigurableClassData | None:
        """None: of old releases only."""
        return None

    @property
    def event_storage_data(self) -> ConfigurableClassData | None:
        """None: of old releases only."""
        return None

    @property
    def schedule_storage_data(self) -> ConfigurableClassData | None:
        """None: of old releases only."""
        return None
