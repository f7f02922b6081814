"""Say that keys of a repository's folder are worth a look, as an event would."""

from collections.abc import Iterable
from datetime import UTC, datetime

from biolake.ledger.events import record_told
from biolake.ledger.ledger import Ledger
from biolake.repositories.models import Repository


def tell(ledger: Ledger, repository: Repository, keys: Iterable[str]) -> None:
    """Have the next tick look at these keys (below the landing bucket's URL)."""
    with ledger.writing() as connection:
        record_told(connection, repository.name, dict.fromkeys(keys), datetime.now(UTC))
