"""A document that cannot be used, with all of its mistakes."""

from dataclasses import dataclass

from biolake.errors import BiolakeError


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a document.

    Attributes:
        line: Line in the file, from 1; 0 where the file as a whole is meant.
        key: Path of the entry, as `files.0.pattern`; empty for the document.
        message: What is wrong and what to do.
    """

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "document"
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class DocumentInvalid(BiolakeError):
    """The document is refused as a whole.

    Attributes:
        source: The document's name as its owner knows it.
        mistakes: All mistakes found, in order of their lines.
    """

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        self.source = source
        self.mistakes = mistakes
        super().__init__("\n".join(f"{source}: {mistake}" for mistake in mistakes))
