"""One statement of Trino's over both of the platform's stores: the search index and the lake's tables."""

import uuid

import pytest

from biolake.search.open import open_index
from biolake.search.opensearch.mapping import Names
from biolake.sql.models import SqlEngine
from biolake.sql.trino_connection import TrinoAddress, TrinoConnection
from biolake.sql.trino_registry import TrinoRegistry
from tests.engines.servers.trino import INDEX_CATALOG, TrinoServer
from tests.search.search_documents import document
from tests.sql.made_lake import MadeLake

pytestmark = pytest.mark.trino


def test_index_and_lake_are_joined(
    trino: TrinoServer, address: TrinoAddress, opensearch_url: str, engine: SqlEngine, read_lake: MadeLake
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    index, names = open_index(opensearch_url, name=name), Names(name)
    try:
        index.upsert(
            [
                document("GSE1", title="Breast cancer", organism=("Homo sapiens", "Mus musculus"), year=2020),
                document("GSE2-GPL570", title="Psoriasis", organism=("Homo sapiens",), year=2013),
                document("GSE3", title="Not in the lake", year=2020),
            ]
        )
        # Whatever statement names a table registers it.
        engine.query("SELECT count(*) FROM geo.samples")
        samples = TrinoRegistry(TrinoConnection(address), read_lake.url).location("geo", "samples")
        rows = trino.rows(
            "SELECT i.title, cardinality(i.organism), count(*), count_if(s.curated_is_control) "
            f'FROM {INDEX_CATALOG}."default"."{names.alias}" i JOIN {samples} s ON s.dataset_id = i.dataset_id '
            "WHERE i.year >= 2000 GROUP BY 1, 2 ORDER BY 1"
        )
        assert list(rows) == [("Breast cancer", 2, 2, 1), ("Psoriasis", 1, 3, 2)]
    finally:
        index.close()
