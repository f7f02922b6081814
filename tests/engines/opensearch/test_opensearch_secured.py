"""A cluster that speaks TLS and knows its users: what docs/search.md asks for is enough, and what is wrong is told."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from biolake.search.errors import IndexAccessDenied
from biolake.search.models import SearchRequest
from biolake.search.open import open_index
from biolake.search.opensearch.index import OpenSearchIndex
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.opensearch_security import PLATFORM, READER, User
from tests.search.search_documents import STUDIES, document

pytestmark = pytest.mark.engines


def opened(server: OpenSearchServer, name: str, user: User = PLATFORM, **more: object) -> OpenSearchIndex:
    options = {"password": SecretStr(user.password), "authority": server.authority, **more}
    index = open_index(server.url, name=name, user=user.name, **options)  # type: ignore[arg-type]
    assert isinstance(index, OpenSearchIndex)
    return index


@pytest.fixture
def name() -> str:
    """What this test's indexes are called."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def index(secured_opensearch: OpenSearchServer, name: str) -> Iterator[OpenSearchIndex]:
    """An index in which nothing has been written yet, as the platform's user."""
    found = opened(secured_opensearch, name, vector_dimension=3)
    yield found
    found.close()


def test_the_permissions_that_are_asked_for_are_enough(index: OpenSearchIndex) -> None:
    vector = (1.0, 0.0, 0.5)
    assert index.upsert([*STUDIES, document("V1", title="kidney", vector=vector)]).written == len(STUDIES) + 1
    first = index.search(SearchRequest(size=3, facets=("organism",)))
    following = index.search(SearchRequest(size=3, facets=("organism",), after=first.next))
    assert {hit.dataset_id for hit in first.hits}.isdisjoint(hit.dataset_id for hit in following.hits)
    assert index.search(SearchRequest(text="kidney", vector=vector)).hits[0].dataset_id == "V1"
    index.delete("geo", {"GSE1001": 10**9})
    index.delete("geo", ["GSE1002"])
    assert {"GSE1001", "GSE1002"}.isdisjoint(index.versions("geo"))
    index.optimize()
    kept = index.count()
    done = index.rebuild([*STUDIES[2:], document("V1", title="kidney", vector=vector)])
    assert (done.before, done.after) == (kept, kept)
    assert index.get("geo", "V1") is not None


def test_a_wrong_password_is_told_without_it(secured_opensearch: OpenSearchServer, name: str) -> None:
    index = opened(secured_opensearch, name, password=SecretStr("wrong-s3cret"))
    with pytest.raises(IndexAccessDenied, match="BIOLAKE_INDEX_PASSWORD") as caught:
        index.count()
    assert "s3cret" not in str(caught.value)
    assert not caught.value.transient
    index.close()


def test_a_user_who_may_only_read_cannot_write(
    secured_opensearch: OpenSearchServer, name: str, index: OpenSearchIndex
) -> None:
    index.upsert(STUDIES)
    reader = opened(secured_opensearch, name, READER)
    before = index.get("geo", "GSE1001")
    assert before is not None
    assert reader.get("geo", "GSE1001") == before
    assert reader.count() == len(STUDIES)
    with pytest.raises(IndexAccessDenied, match=r"permissions in docs/search\.md"):
        reader.upsert([document("GSE1001", title="changed", version=10**9)])
    assert index.get("geo", "GSE1001") == before
    reader.close()


@pytest.mark.parametrize("another", [True, False])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    secured_opensearch: OpenSearchServer, name: str, tmp_path: Path, another: bool
) -> None:
    import certifi

    authority = Path(certifi.where()) if another else None
    index = opened(secured_opensearch, name, authority=authority)
    with pytest.raises(IndexAccessDenied, match="BIOLAKE_INDEX_CA"):
        index.count()
    index.close()
