"""A deployment on production engines whose runs are Kubernetes Jobs."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engines.kubernetes.deployment import KubernetesDeployment
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server

Deploy = Callable[..., KubernetesDeployment]


@pytest.fixture
def deploy(
    kubernetes: Cluster,
    s3: S3Server,
    postgres: PostgresServer,
    opensearch: OpenSearchServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deploy]:
    """Start a deployment; settings and parts of `dagster.yaml` may be given."""
    with ExitStack() as stack:

        def start(settings: dict[str, str] | None = None, **configuration: Any) -> KubernetesDeployment:
            home = stack.enter_context(_folder())
            made = KubernetesDeployment(kubernetes, s3, postgres, opensearch, home, **(settings or {}))
            for name, value in made.variables.items():
                monkeypatch.setenv(name, value)
            stack.callback(made.stop)
            made.start(**configuration)
            return made

        yield start


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that pods, which are another user, can read."""
    with tempfile.TemporaryDirectory(prefix="biolake-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "home"
