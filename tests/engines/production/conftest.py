"""A deployment on production engines: S3, PostgreSQL, OpenSearch. Its runs are executed by the tests themselves."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolake.objects.store import open_store
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import Deployment, made_deployment
from tests.study_platform.conftest import StudyDeployment, deployed, runtime, runtime_cache

__all__ = ["runtime", "runtime_cache"]


class StudyInS3(StudyDeployment):
    """A study whose files are uploaded to S3."""

    def put(self, key: str, content: bytes | str | Path) -> Path:
        """Upload a file."""
        if isinstance(content, str):
            content = content.encode()
        open_store(self.document["sources"][0]["uri"]).put(key, content)
        return Path(key)


@pytest.fixture
def production(
    s3: S3Server, postgres: PostgresServer, opensearch: OpenSearchServer, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The bucket of a deployment whose engines the environment names."""
    name = f"b{uuid.uuid4().hex[:12]}"
    bucket = s3.make_bucket(name)
    variables = {
        **s3.environment,
        "BIOLAKE_PROFILE": "production",
        "BIOLAKE_LANDING": f"{bucket}/landing",
        "BIOLAKE_LAKE": f"{bucket}/lake",
        "BIOLAKE_LEDGER": postgres.make_database(),
        "BIOLAKE_INDEX": opensearch.url,
        "BIOLAKE_INDEX_NAME": name,
        "DAGSTER_POSTGRES_URL": postgres.make_database(),
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    return bucket


@pytest.fixture
def deployment(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A fresh deployment."""
    with made_deployment(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def study(production: str, tmp_path: Path, runtime_cache: Path) -> Iterator[StudyDeployment]:
    """A deployment with an empty study."""
    with deployed(tmp_path, runtime_cache, place=production, kind=StudyInS3) as made:
        yield made
