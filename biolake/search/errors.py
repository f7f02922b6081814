"""What can be wrong with a search, a document or the index, one class per case."""

from biolake.errors import BiolakeError


class SearchError(BiolakeError):
    """A request to the search index that cannot be answered as it stands."""


class InvalidQuery(SearchError):
    """A query text that breaks a rule of the query language.

    Attributes:
        text: The whole query.
        position: Where the trouble is: the number of characters before it.
    """

    def __init__(self, text: str, position: int, problem: str, remedy: str) -> None:
        super().__init__(f"Search query, character {position + 1}: {problem}. {remedy}.")
        self.text = text
        self.position = position


class UnbalancedParenthesis(InvalidQuery):
    """A parenthesis without its partner, or a pair with nothing inside."""


class UnclosedQuote(InvalidQuery):
    """A phrase without its closing quote."""


class MissingOperand(InvalidQuery):
    """An operator with nothing before or after it, or a field with nothing to look for."""


class UnknownField(InvalidQuery):
    """A `name:` that is no field of a dataset."""


class PrefixTooShort(InvalidQuery):
    """A word with a trailing * that would match almost everything."""


class NothingToSearch(InvalidQuery):
    """A word or phrase without a letter or digit."""


class QueryTooLong(InvalidQuery):
    """More characters or nested groups than a query may have."""


class InvalidRequest(SearchError):
    """A filter, facet, sort or page size that the index does not have."""


class InvalidCursor(SearchError):
    """A cursor that no page of this request has given."""


class CursorExpired(SearchError):
    """A cursor into a state of the index that maintenance has removed since."""


class InvalidDocument(SearchError):
    """A document that the index cannot identify."""


class UnknownIndexUrl(SearchError):
    """An index URL of a scheme that no engine serves."""


class IndexBusy(SearchError):
    """Another writer kept changing the index while this one tried to."""

    transient = True


class IndexUnreachable(SearchError):
    """The server of the index does not answer, or not in time."""

    transient = True


class IndexAccessDenied(SearchError):
    """The server of the index refuses the user, or its certificate is not one that is trusted."""


class IndexFailed(SearchError):
    """The server of the index answered with an error that repeating the call will not cure."""


class IndexTooNew(SearchError):
    """A newer version of the platform has changed the index's layout."""


class DocumentRefused(SearchError):
    """A document with a value that the index cannot hold; the others of the same call may be in."""


class VectorMismatch(SearchError):
    """A vector of another length than those that the index holds."""


class EmptyRebuild(SearchError):
    """Filling the index anew would leave nothing of an index that holds datasets."""


class RebuildInterrupted(SearchError):
    """Another process took the index that was being filled for abandoned; the serving one is unharmed."""

    transient = True
