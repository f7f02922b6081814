"""What is wrong with the environment's variables."""

from biolake.errors import BiolakeError


class InvalidSetting(BiolakeError):
    """Environment variables that the platform cannot use: a line for each, with its name and what to do."""
