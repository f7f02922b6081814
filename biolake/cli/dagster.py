"""Keep Dagster's logs and preview warnings out of a command's answer."""

import logging
import warnings


def quieten() -> None:
    """Let only warnings of the platform itself through."""
    warnings.filterwarnings("ignore", module="dagster.*")
    warnings.filterwarnings("ignore", message=".*currently in (preview|beta).*")
    logging.getLogger("dagster").setLevel(logging.ERROR)
