"""The platform as an operator deploys it: `deploy/kubernetes` through an overlay, all of it from the image.

What the overlay adds is what a cluster without kube-proxy, DNS and a registry needs: pods on the node's own network,
where the engines are, and names of the services in their hosts files.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml

from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, Job
from biolake.platform import Platform
from biolake.settings import Settings
from tests.engines.image.build import PROJECT, REFERENCE
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.kubernetes.configuration import SERVER
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.s3_events import NotifyingBucket, message
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import LAB

MANIFESTS = PROJECT / "deploy" / "kubernetes"
UI = "http://127.0.0.1:3000"
_PORTS = (3000, 4000)
_SECRET = {"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "DAGSTER_POSTGRES_URL"}
# A machine for tests has two cores.
_MACHINES = """
sizes:
  small: {cpu: 50m, memory: 1Gi, dataset: 32Mi}
  medium: {cpu: 50m, memory: 1500Mi, dataset: 256Mi}
  large: {cpu: 50m, memory: 2Gi, dataset: 1Gi}
  xlarge: {cpu: 50m, memory: 3Gi}
"""
_ON_THE_NODES_NETWORK = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: any}}
spec:
  template:
    spec:
      hostNetwork: true
      hostAliases:
        - {{ip: 127.0.0.1, hostnames: [biolake-code, biolake-ui]}}
      containers:
        - name: NAME
          env:
            - {{name: KUBERNETES_SERVICE_HOST, value: 127.0.0.1}}
            - {{name: KUBERNETES_SERVICE_PORT, value: "{SERVER}"}}
      volumes:
        - name: studies
          configMap: STUDIES
"""


class ImageDeployment:
    """One deployment, with databases, buckets and an index of its own."""

    def __init__(
        self,
        cluster: Cluster,
        s3: S3Server,
        sqs: SqsServer,
        postgres: PostgresServer,
        opensearch: OpenSearchServer,
        folder: Path,
    ) -> None:
        """Make what it needs on the engines and write its overlay below `folder`; `start` applies it."""
        self.cluster, self.folder = cluster, folder
        name = f"k{uuid.uuid4().hex[:12]}"
        bucket = s3.make_bucket(name)
        self._bucket, self._queues = NotifyingBucket(s3.client(), name), sqs.make_queues()
        (folder / "overlay").mkdir()
        (folder / "repositories").mkdir()
        (folder / "repositories" / "lab.yaml").write_text(LAB)
        self.variables = {
            **s3.environment,
            "DAGSTER_POSTGRES_URL": postgres.make_database(),
            "BIOLAKE_PROFILE": "production",
            "BIOLAKE_LANDING": f"{bucket}/landing",
            "BIOLAKE_LAKE": f"{bucket}/lake",
            "BIOLAKE_EVENTS": self._queues.url,
            "BIOLAKE_LEDGER": postgres.make_database(),
            "BIOLAKE_INDEX": opensearch.url,
            "BIOLAKE_INDEX_NAME": name,
            "BIOLAKE_SETTLE_SECONDS": "0.5",
            "BIOLAKE_LOT_WAIT_SECONDS": "0",
        }
        self.bucket_url = bucket

    @cached_property
    def platform(self) -> Platform:
        """The deployment as the tests themselves see it; its variables have to be set before."""
        return Platform(Settings.from_environment({**self.variables, "BIOLAKE_HOME": str(self.folder)}))

    def start(self, study: Path) -> None:
        """Do what docs/kubernetes.md tells an operator, with the study of a folder; wait until all is ready."""
        for port in _PORTS:
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)), f"port {port} of this machine is taken"
        self._write_overlay(study)
        self.cluster.kubectl("apply", "-f", str(MANIFESTS / "namespace.yaml"))
        secrets = [f"--from-literal={key}={self.variables[key]}" for key in sorted(_SECRET)]
        self.kubectl("create", "secret", "generic", "biolake-secrets", *secrets)
        self.kubectl("create", "configmap", "biolake-repositories", f"--from-file={self.folder / 'repositories'}")
        self.kubectl(
            "create",
            "configmap",
            "biolake-studies",
            *(f"--from-file={_key(path, study)}={path}" for path in _files(study)),
        )
        self.cluster.kubectl("apply", "-k", str(self.folder / "overlay"))
        for name in ("code", "daemon", "ui"):
            try:
                self.kubectl("rollout", "status", f"deployment/biolake-{name}", "--timeout=240s")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.story()}") from None
        self.wait("the graph", self._loaded)

    def stop(self) -> None:
        """Take it away, and its runs."""
        self.platform.close()
        self.cluster.kubectl("delete", "namespace", "biolake", "--timeout=120s")

    def put(self, key: str, content: str | bytes) -> None:
        """Upload a file; the queue is told of it."""
        self._queues.send(message(self._bucket.put(key, content)))

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask the deployed UI."""
        answer = httpx.post(f"{UI}/graphql", json={"query": query, "variables": variables}, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def ended(self, prefix: str) -> list[Job]:
        """The ledger's jobs of datasets whose ids begin so, once all have ended."""
        with self.platform.ledger.reading() as connection:
            found = [job for job in find_jobs(connection, "lab") if job.dataset_id.startswith(prefix)]
        return found if {job.state for job in found} <= ENDED else []

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = 240) -> Any:
        """Wait until something is so, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s.\n{self.story()}"
            time.sleep(0.5)
        return found

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the platform's namespace."""
        return self.cluster.kubectl("-n", "biolake", *arguments)

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """Pods with these labels."""
        return json.loads(self.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]

    def story(self) -> str:
        """What there is to see where something did not happen."""
        told = [self.kubectl("get", "deployments,jobs,pods", "-o", "wide")]
        for pod in self.pods("app.kubernetes.io/name!=nothing"):
            name = pod["metadata"]["name"]
            told.append(f"{name}: {json.dumps(pod['status'].get('containerStatuses'))[:600]}")
            if self.cluster.kubectl_answers("-n", "biolake", "logs", name):
                told.append(self.kubectl("logs", name, "--tail=30"))
        return "\n".join(told)

    def _write_overlay(self, study: Path) -> None:
        overlay = self.folder / "overlay"
        items = [{"key": _key(path, study), "path": f"study/{path.relative_to(study)}"} for path in _files(study)]
        studies = {"name": "biolake-studies", "items": items}
        settings = {key: value for key, value in self.variables.items() if key not in _SECRET}
        settings["BIOLAKE_MACHINES"] = "/var/lib/biolake/machines/sizes.yaml"
        (overlay / "settings.env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        (overlay / "sizes.yaml").write_text(_MACHINES)
        instance = yaml.safe_load((MANIFESTS / "dagster.yaml").read_text())
        runs = instance["run_launcher"]["config"]["run_k8s_config"]
        runs["pod_spec_config"]["host_network"] = True
        for volume in runs["pod_spec_config"]["volumes"]:
            if volume["name"] == "studies":
                volume["config_map"] = studies
        (overlay / "dagster.yaml").write_text(yaml.safe_dump(instance))
        patches = [
            {
                "target": {"kind": "Deployment", "name": f"biolake-{name}"},
                "patch": _ON_THE_NODES_NETWORK.replace("NAME", name).replace("STUDIES", json.dumps(studies)),
            }
            for name in ("code", "daemon", "ui")
        ]
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "biolake",
            "resources": [os.path.relpath(MANIFESTS, overlay)],
            "images": [{"name": "biolake", "newName": REFERENCE, "newTag": "built"}],
            "configMapGenerator": [
                {"name": "biolake-settings", "behavior": "merge", "envs": ["settings.env"]},
                {"name": "dagster-instance", "behavior": "merge", "files": ["dagster.yaml"]},
                {"name": "biolake-machines", "files": ["sizes.yaml"]},
            ],
            "generatorOptions": {"disableNameSuffixHash": True},
            "patches": patches,
        }
        (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))

    def _loaded(self) -> bool:
        query = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
        try:
            entries = self.graphql(query)["workspaceOrError"]["locationEntries"]
        except (httpx.HTTPError, ValueError):
            return False
        return [entry["loadStatus"] for entry in entries] == ["LOADED"]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _key(path: Path, folder: Path) -> str:
    """A file as a key of a ConfigMap, which knows no folders."""
    return str(path.relative_to(folder)).replace("/", ".")
