"""The root of every error a user may read, and nothing else.

Each package declares its own errors in its `errors.py` as subclasses of :class:`BiolakeError`. A class name says what
is wrong (`DuplicateSampleId`), the message says where it is and what to do. Turning an error into a job's state, an
exit code or an HTTP answer happens where those are made, never here.
"""

import re
from typing import ClassVar

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class BiolakeError(Exception):
    """Something a user can understand and act upon.

    Attributes:
        code: The class name for machines, as `DUPLICATE_SAMPLE_ID`.
        transient: Whether the same call may succeed when repeated unchanged (a network fault, a busy store).
    """

    code: ClassVar[str] = "BIOLAKE_ERROR"
    transient: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = _CAPITAL.sub("_", cls.__name__).upper()
