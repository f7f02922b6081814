"""A run that has not begun: whether its pod may still start it, where the cluster knows no Job of it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import create_run_for_test

from resources.kubernetes_launcher import KubernetesRunLauncher


class _EmptyCluster(BaseHTTPRequestHandler):
    """An API server without a single Job or pod."""

    def do_GET(self) -> None:
        there = self.path.partition("?")[0].endswith("/pods")
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": []} if there else missing).encode()
        self.send_response(200 if there else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[KubernetesRunLauncher]:
    """A launcher of runs on a cluster that has nothing."""
    server = HTTPServer(("127.0.0.1", 0), _EmptyCluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = {"server": f"http://127.0.0.1:{server.server_port}"}
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": place}],
        "users": [{"name": "me", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(configuration))
    made = KubernetesRunLauncher(
        service_account_name="biolake",
        instance_config_map="unused",
        dagster_home="/unused",
        job_image="biolake",
        job_namespace="biolake",
        load_incluster_config=False,
        kubeconfig_file=str(tmp_path / "kubeconfig"),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        made.register_instance(instance)
        yield made
    server.shutdown()
    server.server_close()


def test_a_job_that_is_not_made_yet_is_not_taken_for_a_deleted_one(launcher: KubernetesRunLauncher) -> None:
    instance = launcher._instance
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTING)
    assert launcher.ended_before_start(run) is None
    instance.add_run_tags(run.run_id, {"biolake/job-made": "true"})
    assert launcher.ended_before_start(run) == "its pod was deleted (its Job is gone, too)"
