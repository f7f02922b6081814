"""Which of the environment's variables are the platform's: those of fields, their files, and the few that are no field.

A variable with the platform's prefix that nobody reads is a mistake: what it was meant to change stays as it was, and
nothing says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

PREFIX = "BIOLAKE_"
FILE_SUFFIX = "_FILE"

# Kubernetes tells every container the addresses of the namespace's Services: one named `biolake` or `biolake-ui` gives
# such names (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
_SERVICE_LINK = re.compile(
    r"^BIOLAKE_(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$"
)


@dataclass(frozen=True)
class OtherVariable:
    """A variable that is no field of the settings.

    Attributes:
        prefix: What its name begins with; a name follows.
        secret: Whether its value is never shown.
    """

    prefix: str
    shown_as: str
    meaning: str
    secret: bool = False

    def matches(self, variable: str) -> bool:
        """Say whether `variable` is one of these."""
        return variable.startswith(self.prefix) and len(variable) > len(self.prefix)


OTHERS = (
    OtherVariable(
        "BIOLAKE_WEBHOOK_",
        "BIOLAKE_WEBHOOK_<NAME>",
        "Address that notifications to the channel `webhook:<name>` are posted to; it may hold a token",
        secret=True,
    ),
    OtherVariable("BIOLAKE_TEST_", "BIOLAKE_TEST_<NAME>", "Read by the project's own tests only"),
)


def variable_of(field: str) -> str:
    """The variable that sets a field."""
    return f"{PREFIX}{field.upper()}"


def unknown_variables(variables: Mapping[str, str], fields: Iterable[str], secrets: Iterable[str]) -> dict[str, str]:
    """Find variables with the platform's prefix that nothing reads.

    Returns:
        By variable, what to do about it.
    """
    known = [variable_of(field) for field in fields] + [variable_of(field) + FILE_SUFFIX for field in secrets]
    strange = [
        name
        for name in variables
        if name.startswith(PREFIX)
        and name not in known
        and not any(other.matches(name) for other in OTHERS)
        and _SERVICE_LINK.match(name) is None
    ]
    return {name: _remedy(name, known) for name in sorted(strange)}


def _remedy(name: str, known: list[str]) -> str:
    if name.endswith(FILE_SUFFIX) and name.removesuffix(FILE_SUFFIX) in known:
        return f"only secrets are read from a file. Set {name.removesuffix(FILE_SUFFIX)} to the value itself."
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    if near:
        return f"no setting has that name. Did you mean {near[0]}?"
    return "no setting has that name. Unset it, or see `biolake settings` for the names."
