"""One deployment on production engines whose runs are Kubernetes Jobs, for all tests of this folder.

Starting it takes longer than most tests; each lands datasets under a prefix of its own.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.kubernetes.deployment import KubernetesDeployment
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server
from tests.study_platform.conftest import runtime, runtime_cache

__all__ = ["runtime", "runtime_cache"]


@pytest.fixture(scope="session")
def running(
    kubernetes: Cluster,
    s3: S3Server,
    sqs: SqsServer,
    postgres: PostgresServer,
    opensearch: OpenSearchServer,
    runtime_cache: Path,
) -> Iterator[KubernetesDeployment]:
    """The deployment."""
    # Pods are another user, who cannot read pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="biolake-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        engines = (kubernetes, s3, sqs, postgres, opensearch)
        made = KubernetesDeployment(*engines, Path(name) / "home", BIOLAKE_RUNTIME_CACHE=str(runtime_cache))
        try:
            made.start()
            yield made
        finally:
            with pytest.MonkeyPatch.context() as patch:
                for variable, value in made.variables.items():
                    patch.setenv(variable, value)
                made.stop()


@pytest.fixture
def deployment(running: KubernetesDeployment, monkeypatch: pytest.MonkeyPatch) -> KubernetesDeployment:
    """The deployment, with its variables in the environment and everything that landed before at rest."""
    for variable, value in running.variables.items():
        monkeypatch.setenv(variable, value)
    return running
