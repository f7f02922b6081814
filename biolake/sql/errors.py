"""Why a statement was refused or could not be answered. Messages name the place in the statement and the remedy.

Turning an error into an HTTP answer or an exit code happens where those are made.
"""

from typing import ClassVar

from biolake.errors import BiolakeError


class SqlError(BiolakeError):
    """A statement that got no answer.

    Attributes:
        position: Offset in the statement's characters, from 0; None where no single place is to blame.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class StatementTooLong(SqlError):
    """More text than a statement may have."""


class StatementTooNested(SqlError):
    """Parentheses, subqueries or operators nested deeper than any engine should be asked to follow."""


class InvalidSyntax(SqlError):
    """The text is not SQL."""


class NotOneStatement(SqlError):
    """No statement at all, or several."""


class NotASelect(SqlError):
    """Something that would change data, settings or files, or a construct that is not on the list of safe ones."""


class UnknownTable(SqlError):
    """No such table, or the caller may not see it."""


class UnknownColumn(SqlError):
    """No such column in the tables that the statement names."""


class UnknownFunction(SqlError):
    """No such function."""


class ForbiddenFunction(SqlError):
    """A function that reads files, settings or the engine's catalog."""


class InvalidStatement(SqlError):
    """Well-formed SQL that does not make sense: types that do not fit, a missing GROUP BY, a missing parameter."""


class InvalidValue(SqlError):
    """A value in the data or the statement that a function or a cast cannot use."""


class QueryTimedOut(SqlError):
    """The statement took longer than it was given."""


class QueryTooLarge(SqlError):
    """The statement needed more memory than it was given."""


class QueryProcessDied(SqlError):
    """The process that answered died; the next query gets a new one."""


class LakeFileMissing(SqlError):
    """A file that a table's newest version names could not be read."""


class EngineClosed(SqlError):
    """The engine was closed."""


class EngineBusy(SqlError):
    """All of the engine's processes were at work for the whole of the statement's time."""

    transient: ClassVar[bool] = True


class SearchUnavailable(SqlError):
    """`search()` was used on an engine that was opened without a search index."""


class InvalidSearch(SqlError):
    """Arguments that `search()` does not take."""


class MatrixTooWide(SqlError):
    """A dataset with more samples than a result may have columns."""


class UnsupportedTable(SqlError):
    """A Delta table that uses a feature which this engine cannot read."""


class NotOnTrino(SqlError):
    """Something that the embedded engine answers and that has no counterpart on Trino."""


class TrinoUnavailable(SqlError):
    """Trino cannot be reached, refuses the user, or is not set up for the lake."""

    transient: ClassVar[bool] = True


class LakeTooLarge(SqlError):
    """More bytes in a remote lake's tables than may be copied to this machine to answer."""


class NotAMatrix(SqlError):
    """A result without the shape that an AnnData needs."""
