"""Leads a place in the text that Trino was given back to the statement that the user wrote.

Trino's text is written anew, so places are matched by words: the third `title` of the one is the third of the other. A
word that is not there equally often in both has no place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_WORD = re.compile(r"'(?:[^']|'')*'|[\w$]+|[^\s\w]")


@dataclass(frozen=True)
class WrittenStatement:
    """What Trino gets.

    Attributes:
        text: The whole text.
        template: The text with names where the SELECTs of tables are put.
        replaced: What is put in, by name.
    """

    text: str
    template: str
    replaced: Mapping[str, str]

    @classmethod
    def of(cls, template: str, replaced: Mapping[str, str]) -> "WrittenStatement":
        """Put the SELECTs in."""
        if not replaced:
            return cls(template, template, replaced)
        return cls(_names(replaced).sub(lambda found: replaced[found.group()], template), template, replaced)

    def original_position(self, sql: str, location: tuple[int, int] | None) -> int | None:
        """Return the offset in `sql`, the user's statement, of a line and column (from 1) in the text."""
        if location is None:
            return None
        lines = self.text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: location[0] - 1]) + location[1] - 1
        place = self._in_template(offset)
        ours, theirs = _words(self.template), _words(sql)
        here = [index for index, (start, word) in enumerate(ours) if start <= place < start + len(word)]
        if not here:
            return None
        word = ours[here[0]][1].lower()
        alike = [index for index, (_, other) in enumerate(ours) if other.lower() == word]
        wanted = [start for start, other in theirs if other.lower() == word]
        return wanted[alike.index(here[0])] if len(alike) == len(wanted) else None

    def _in_template(self, offset: int) -> int:
        shift = 0
        for found in _names(self.replaced).finditer(self.template) if self.replaced else ():
            start, length = found.start() + shift, len(self.replaced[found.group()])
            if offset < start:
                break
            if offset < start + length:
                return found.start()
            shift += length - len(found.group())
        return offset - shift


def _names(replaced: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(name) for name in sorted(replaced, key=len, reverse=True)))


def _words(text: str) -> list[tuple[int, str]]:
    return [(found.start(), found.group()) for found in _WORD.finditer(text)]
