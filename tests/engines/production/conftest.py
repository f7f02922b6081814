"""A deployment on production engines: S3, PostgreSQL, OpenSearch. Its runs are executed by the tests themselves."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import Deployment, made_deployment


@pytest.fixture
def deployment(
    s3: S3Server,
    postgres: PostgresServer,
    opensearch: OpenSearchServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    """A fresh deployment."""
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
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with made_deployment(tmp_path, monkeypatch) as made:
        yield made
