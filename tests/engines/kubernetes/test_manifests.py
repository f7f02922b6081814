"""What `deploy/kubernetes` asks for is what a real API server takes."""

import pytest
import yaml

from tests.engines.kubernetes.deployment import MANIFESTS, NAMESPACE
from tests.engines.servers.kubernetes.cluster import Cluster


@pytest.fixture(scope="module")
def rendered(kubernetes: Cluster) -> str:
    return kubernetes.kubectl("kustomize", str(MANIFESTS))


def test_a_real_api_server_takes_every_object(kubernetes: Cluster, rendered: str) -> None:
    # The rest is checked within the namespace, which a dry run does not make.
    kubernetes.kubectl("apply", "-f", str(MANIFESTS / "namespace.yaml"))
    answer = kubernetes.kubectl("apply", "-f", "-", "--dry-run=server", "--warnings-as-errors", stdin=rendered)
    for name in ("biolake-code", "biolake-daemon", "biolake-ui"):
        assert f"deployment.apps/{name} created (server dry run)" in answer
    assert "rolebinding.rbac.authorization.k8s.io/biolake-runs" in answer


def test_every_process_gives_up_what_it_does_not_need(rendered: str) -> None:
    deployments = [one for one in yaml.safe_load_all(rendered) if one["kind"] == "Deployment"]
    assert len(deployments) == 3
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert deployment["metadata"]["namespace"] == NAMESPACE
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["image"] == "biolake:0.1.0"
        assert {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in container["env"]


def test_the_platform_may_do_what_its_runs_need_and_no_more(kubernetes: Cluster, rendered: str) -> None:
    kubernetes.kubectl("apply", "-f", str(MANIFESTS / "namespace.yaml"), "-f", str(MANIFESTS / "access.yaml"))
    account = f"--as=system:serviceaccount:{NAMESPACE}:biolake"

    def may(*what: str) -> bool:
        return kubernetes.kubectl_answers("auth", "can-i", *what, account)

    assert may("create", "jobs", "-n", NAMESPACE)
    assert may("delete", "pods", "-n", NAMESPACE)
    assert not may("create", "jobs", "-n", "default")
    assert not may("get", "secrets", "-n", NAMESPACE)
    assert not may("create", "deployments", "-n", NAMESPACE)
