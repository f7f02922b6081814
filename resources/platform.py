"""The deployment as a resource, opened from its environment when a run or a sensor first asks."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from biolake.platform import Platform
from biolake.settings import Settings


class PlatformResource(dg.ConfigurableResource):
    """Bucket, lake, ledger, index and repositories of this deployment, as the `BIOLAKE_*` variables say."""

    _platform: Platform | None = PrivateAttr(default=None)

    @property
    def platform(self) -> Platform:
        """The open platform."""
        if self._platform is None:
            self._platform = Platform(Settings.from_environment())
        return self._platform

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["PlatformResource", None, None]:
        """Close what was opened when the run or the tick ends."""
        try:
            yield self
        finally:
            if self._platform is not None:
                self._platform.close()
                self._platform = None
