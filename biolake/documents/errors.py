"""A document that cannot be used, with all of its mistakes."""

from dataclasses import dataclass
from typing import Literal

from biolake.errors import BiolakeError


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a document: where, what, and what to do about it.

    Attributes:
        where: The document's name.
        line: Line in it, from 1; 0 where the document as a whole is meant.
        key: Path of the key, as `file_types[0].clock.kind`.
        message: What is wrong.
        remedy: What to do.
        severity: A `warning` does not keep the document from being used.
    """

    where: str
    line: int
    key: str
    message: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        key = f" {self.key}:" if self.key else ""
        mark = "warning: " if self.severity == "warning" else ""
        return f"{place}:{key} {mark}{self.message} {self.remedy}".rstrip()


class DocumentInvalid(BiolakeError):
    """The document is refused as a whole.

    Attributes:
        source: The document's name as its owner knows it.
        mistakes: All mistakes found, in order of their lines.
    """

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        self.source = source
        self.mistakes = mistakes
        super().__init__("\n".join(map(str, mistakes)))
