"""Patterns over object names: globs and named-group regular expressions, on an engine whose time is linear.

A study's patterns come from outside, so a backtracking engine is out: `(a+)+$` would stop the catalog. Source:
github.com/google/re2, whose syntax has neither look-around nor back-references.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from biolake.studies.errors import PatternInvalid

GROUPS = ("subject", "site", "visit", "location", "device", "date", "session", "part")
"""Named groups a file name may carry; `subject` it must."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Compile a regular expression.

    Raises:
        PatternInvalid: The engine does not accept it.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise PatternInvalid(
            f"`{pattern}` is no regular expression that is used here: {text}. "
            f"Look-around and back-references do not exist; name groups as (?P<subject>...)."
        ) from error


@lru_cache(maxsize=512)
def _globs(patterns: tuple[str, ...]) -> Any:
    # One expression for all, because calling the engine costs more than its work on a path.
    return compiled("|".join(f"(?:{glob_expression(pattern)})" for pattern in patterns))


def glob_expression(pattern: str) -> str:
    """Return the regular expression of a glob: `*` and `?` stay within a folder, `**` goes through folders.

    Raises:
        PatternInvalid: A bracket is not closed.
    """
    import re2

    expression, position = "", 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            expression, position = expression + "(?:[^/]+/)*", position + 3
        elif rest.startswith("**"):
            expression, position = expression + ".*", position + 2
        elif rest[0] in "*?":
            expression, position = expression + ("[^/]*" if rest[0] == "*" else "[^/]"), position + 1
        elif rest[0] == "[":
            end = rest.find("]", 2)
            if end < 0:
                raise PatternInvalid(f"`{pattern}`: the `[` at {position + 1} is not closed. Close it with `]`.")
            inside = rest[1:end].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^/" + inside[1:] if inside[0] in "!^" else inside
            expression, position = f"{expression}[{inside}]", position + end + 1
        else:
            expression, position = expression + re2.escape(rest[0]), position + 1
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    return f"(?s)^{anywhere}{expression}$"


def glob_matches(path: str, *patterns: str) -> bool:
    """Say whether one of the globs matches a path; one without `/` is for the file's name in any folder."""
    return bool(patterns) and _globs(patterns).match(path) is not None


@lru_cache(maxsize=512)
def literal_folder(pattern: str) -> str:
    """Return the folder in which everything lies that a glob can match: `meta/2024/` of `meta/2024/*.csv`."""
    literal = pattern
    for position, character in enumerate(pattern):
        if character in "*?[":
            literal = pattern[:position]
            break
    return literal[: literal.rfind("/") + 1]


@dataclass(frozen=True)
class NamePattern:
    """A regular expression with named groups for a file's name, or for its path if it holds a `/`."""

    text: str

    @property
    def on_path(self) -> bool:
        """Whether the path under the prefix is matched and not the name alone."""
        # A slash can stand in a class, as in [^/]; then the path is meant just as well.
        return "/" in self.text

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        expression = compiled(self.text)
        return tuple(sorted(expression.groupindex, key=expression.groupindex.get))

    def read(self, path: str) -> Mapping[str, str] | None:
        """Return the named groups of a path that matches as a whole, None where it does not."""
        subject = path if self.on_path else path.rsplit("/", 1)[-1]
        match = compiled(self.text).fullmatch(subject)
        return None if match is None else {k: v for k, v in match.groupdict().items() if v is not None}
