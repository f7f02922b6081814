"""What `biolake doctor` says of a real OpenSearch: in order, locked out, without its template, closed to writes."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch
from pydantic import SecretStr
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.search.open import open_index
from biolake.search.opensearch.mapping import Names
from tests.engines.opensearch.conftest import named
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.opensearch_security import PLATFORM, READER, User
from tests.search.search_documents import STUDIES

pytestmark = pytest.mark.engines

Findings = dict[str, tuple[str, str, str]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Findings]:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))

    def ask(**variables: str) -> Findings:
        for name, value in variables.items():
            monkeypatch.setenv(f"BIOLAKE_INDEX{name}", value)
        done = CliRunner().invoke(app, ["doctor", "--json"])
        assert variables.get("_PASSWORD", "s3cret") not in done.stdout
        told = [one for one in json.loads(done.stdout)["findings"] if one["engine"] == "index"]
        mine = {one["check"]: (one["verdict"], one["found"], one["remedy"]) for one in told}
        assert done.exit_code == int(any(verdict == "problem" for verdict, _, _ in mine.values()))
        return mine

    return ask


@pytest.fixture
def name(opensearch_url: str) -> Iterator[str]:
    """What the indexes of this test are called."""
    with named(opensearch_url) as found:
        yield found


@pytest.fixture
def filled(opensearch_url: str, name: str) -> Iterator[OpenSearch]:
    """The cluster, with an index that has datasets."""
    index = open_index(opensearch_url, name=name)
    index.upsert(STUDIES)
    client = OpenSearch([opensearch_url], timeout=60)
    yield client
    client.close()


def test_a_cluster_in_order(doctor: Callable[..., Findings], opensearch_url: str, name: str, filled: OpenSearch):
    found = doctor(**{"": opensearch_url, "_NAME": name})
    assert {check for check, (verdict, _, _) in found.items() if verdict == "ok"} == {
        *("reachable", "version", "health", "layout", "template", "writable", "clock", "permissions")
    }
    assert {verdict for verdict, _, _ in found.values()} == {"ok"}


def test_a_cluster_without_an_index_yet(doctor: Callable[..., Findings], opensearch_url: str, name: str):
    found = doctor(**{"": opensearch_url, "_NAME": name, "_VECTOR_DIMENSION": "3"})
    assert {found[check][0] for check in ("layout", "template", "writable")} == {"skipped"}
    assert {found[check][0] for check in ("reachable", "version", "k-NN", "permissions")} == {"ok"}


@pytest.mark.parametrize("version", [None, 0])
def test_a_template_that_is_gone_or_old(
    doctor: Callable[..., Findings], opensearch_url: str, name: str, filled: OpenSearch, version: int | None
):
    template = Names(name).current
    filled.indices.delete_index_template(name=template)
    if version is not None:
        filled.indices.put_index_template(name=template, body={"index_patterns": [f"{template}-*"], "version": version})
    found = doctor(**{"": opensearch_url, "_NAME": name})
    assert found["template"][0] == "warning"
    assert "--rebuild-index" in found["template"][2]


@pytest.mark.parametrize(
    ("block", "remedy"),
    [("read_only_allow_delete", "Free disk"), ("read_only", "set index.blocks.read_only"), ("write", "filled anew")],
)
def test_an_index_that_is_closed_to_writes(
    doctor: Callable[..., Findings], opensearch_url: str, name: str, filled: OpenSearch, block: str, remedy: str
):
    setting = {f"index.blocks.{block}": True}
    filled.indices.put_settings(index=Names(name).current, body=setting)
    try:
        found = doctor(**{"": opensearch_url, "_NAME": name})
    finally:
        filled.indices.put_settings(index=Names(name).current, body=dict.fromkeys(setting))
    assert found["writable"][:2] == ("problem", f"{Names(name).current} has the block {block}")
    assert remedy in found["writable"][2]
    assert doctor()["writable"][0] == "ok"


def _as(server: OpenSearchServer, user: User, **more: str) -> dict[str, str]:
    return {"": server.url, "_USER": user.name, "_PASSWORD": user.password, "_CA": str(server.authority), **more}


def test_a_secured_cluster_in_order(doctor: Callable[..., Findings], secured_opensearch: OpenSearchServer):
    name = f"t{uuid.uuid4().hex[:12]}"
    index = open_index(
        secured_opensearch.url,
        name=name,
        user=PLATFORM.name,
        password=SecretStr(PLATFORM.password),
        authority=secured_opensearch.authority,
    )
    index.upsert(STUDIES)
    index.close()
    found = doctor(**_as(secured_opensearch, PLATFORM, _NAME=name))
    assert {found[check][0] for check in ("reachable", "version", "layout", "writable", "permissions")} == {"ok"}
    # What the documented permissions do not tell is no reason for alarm.
    assert {verdict for verdict, _, _ in found.values()} <= {"ok", "skipped"}


def test_a_wrong_password(doctor: Callable[..., Findings], secured_opensearch: OpenSearchServer):
    found = doctor(**_as(secured_opensearch, PLATFORM, _PASSWORD="wrong-s3cret"))
    assert found["reachable"][0] == "problem"
    assert "BIOLAKE_INDEX_PASSWORD" in found["reachable"][2]


def test_a_user_who_may_only_read(doctor: Callable[..., Findings], secured_opensearch: OpenSearchServer):
    found = doctor(**_as(secured_opensearch, READER, _NAME=f"t{uuid.uuid4().hex[:12]}"))
    assert found["permissions"][0] == "problem"
    assert "docs/search.md" in found["permissions"][2]


def test_a_certificate_that_nobody_vouches_for(doctor: Callable[..., Findings], secured_opensearch: OpenSearchServer):
    variables = _as(secured_opensearch, PLATFORM)
    del variables["_CA"]
    found = doctor(**variables)
    assert found["reachable"][0] == "problem"
    assert "BIOLAKE_INDEX_CA" in found["reachable"][2]
