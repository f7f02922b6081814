"""A deployment on production engines whose runs are Kubernetes Jobs; UI, daemon and code server run beside the tests.

Its `dagster.yaml`, namespace and rights are those of `deploy/kubernetes`. Instead of an image, pods see this machine's
own Python, the project and the deployment's documents, read-only, at the paths that they have here.
"""

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import yaml

from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, Job, JobState
from biolake.platform import Platform
from biolake.reports.reconcile import reconcile
from biolake.settings import Settings
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.kubernetes.images import HOST_BASE
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.process import free_port
from tests.engines.servers.s3_events import NotifyingBucket, message
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import LAB

PROJECT = Path(__file__).resolve().parents[3]
MANIFESTS = PROJECT / "deploy" / "kubernetes"
NAMESPACE = "biolake"
MOST_PODS = 3
# The smallest sizes in which a run of small datasets works, so that several fit on a machine for tests.
MACHINES = """
sizes:
  small: {cpu: 50m, memory: 500Mi, dataset: 32Mi}
  medium: {cpu: 50m, memory: 1200Mi, dataset: 256Mi}
  large: {cpu: 50m, memory: 1800Mi, dataset: 1Gi}
  xlarge: {cpu: 50m, memory: 2400Mi}
"""


class KubernetesDeployment:
    """One deployment, with databases, buckets and an index of its own."""

    def __init__(
        self,
        cluster: Cluster,
        s3: S3Server,
        sqs: SqsServer,
        postgres: PostgresServer,
        opensearch: OpenSearchServer,
        home: Path,
        **settings: str,
    ) -> None:
        """Make what it needs on the engines; `start` runs it.

        Args:
            cluster: Where its runs are.
            s3: Where its bucket is.
            sqs: Where the queue is that is told what happens in the bucket.
            postgres: Where its databases are.
            opensearch: Where its index is.
            home: Its state folder, which any user can read.
            settings: `BIOLAKE_*` variables beside the necessary ones.
        """
        self.cluster, self.home = cluster, home
        name = f"k{uuid.uuid4().hex[:12]}"
        bucket = s3.make_bucket(name)
        self._bucket, self._queues = NotifyingBucket(s3.client(), name), sqs.make_queues()
        for folder in ("repositories", "studies", "memory"):
            (home / folder).mkdir(parents=True)
        (home / "repositories" / "lab.yaml").write_text(LAB)
        (home / "machines.yaml").write_text(MACHINES)
        secret = {"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "DAGSTER_POSTGRES_URL"}
        variables = {
            **s3.environment,
            "DAGSTER_POSTGRES_URL": postgres.make_database(),
            "BIOLAKE_PROFILE": "production",
            "BIOLAKE_HOME": str(home),
            "BIOLAKE_LANDING": f"{bucket}/landing",
            "BIOLAKE_LAKE": f"{bucket}/lake",
            "BIOLAKE_EVENTS": self._queues.url,
            "BIOLAKE_LEDGER": postgres.make_database(),
            "BIOLAKE_INDEX": opensearch.url,
            "BIOLAKE_INDEX_NAME": name,
            "BIOLAKE_MACHINES": str(home / "machines.yaml"),
            "BIOLAKE_SETTLE_SECONDS": "0.5",
            "BIOLAKE_SILENT_SECONDS": "40",
            "BIOLAKE_LOT_DATASETS": "50",
            "BIOLAKE_ACTIVE_LOTS": "6",
            **settings,
        }
        self.landed: set[str] = set()
        self._plain = {key: value for key, value in variables.items() if key not in secret}
        self._secret = {key: value for key, value in variables.items() if key in secret}
        self.variables = variables
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @cached_property
    def platform(self) -> Platform:
        """The deployment, opened by the tests themselves; its environment has to be set before."""
        return Platform(Settings.from_environment(self.variables))

    def start(self) -> None:
        """Prepare the namespace and start everything."""
        self._prepare_namespace()
        document = yaml.safe_load((MANIFESTS / "dagster.yaml").read_text())
        document["run_monitoring"] |= {"poll_interval_seconds": 2}
        document["concurrency"]["runs"] |= {"max_concurrent_runs": MOST_PODS}
        self._run_from_here(document["run_launcher"]["config"])
        folder = self.home / "dagster"
        folder.mkdir()
        (folder / "dagster.yaml").write_text(yaml.safe_dump(document))
        command = [sys.executable, "-c", "from biolake.cli.main import main; main()", "up", "--port", str(self.port)]
        with (self.home / "up.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=PROJECT,
                start_new_session=True,
                env={**os.environ, **self.variables},
            )
        self.wait("the deployment's start", self._loaded)

    def stop(self) -> None:
        """Stop everything, and what is left on the cluster."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
        self.platform.close()
        self.kubectl("delete", "jobs", "--all", "--cascade=foreground", "--timeout=60s")

    def put(self, dataset_id: str, content: str | bytes, suffix: str = ".csv") -> None:
        """Upload a dataset's file; the queue is told of it."""
        self.landed.add(dataset_id)
        self._queues.send(message(self._bucket.put(f"landing/lab/{dataset_id}{suffix}", content)))

    def put_beside(self, key: str, content: bytes | str) -> None:
        """Upload what no repository takes."""
        self._bucket.put(key, content)

    @property
    def bucket_url(self) -> str:
        """The bucket, with the landing folder and the lake in it."""
        return f"s3://{self._bucket.name}"

    def jobs(self, prefix: str = "") -> list[Job]:
        """The ledger's jobs of datasets whose ids begin so."""
        with self.platform.ledger.reading() as connection:
            return [job for job in find_jobs(connection, "lab") if job.dataset_id.startswith(prefix)]

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = 180) -> Any:
        """Wait until something is so, and return it."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self._process is not None
            assert self._process.poll() is None, (self.home / "up.log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s. {self.story()}"
            time.sleep(0.3)
        return found

    def wait_for_jobs(self, prefix: str, count: int, seconds: float = 240) -> list[Job]:
        """Wait until so many jobs of datasets whose ids begin so have ended."""

        def ended() -> list[Job]:
            found = self.jobs(prefix)
            return found if len(found) >= count and {job.state for job in found} <= ENDED else []

        return self.wait(f"the end of {count} jobs", ended, seconds)

    def wait_for_work(self, prefix: str) -> str:
        """Wait until a run works on datasets whose ids begin so, and return its id."""

        def working() -> str:
            found = [job.run_id for job in self.jobs(prefix) if job.state == JobState.RUNNING]
            return next((run for run in found if run is not None), "")

        return self.wait(f"work on {prefix}", working)

    def runs(self, lots: Iterable[str | None] | None = None) -> list[dg.DagsterRun]:
        """Dagster's runs, the oldest first; of these lots alone, where they are given."""
        wanted = None if lots is None else set(lots)
        with self.instance() as instance:
            found = list(instance.get_runs(ascending=True))
        return [run for run in found if wanted is None or run.tags.get("biolake/lot") in wanted]

    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance; needs the variable of its database."""
        return dg.DagsterInstance.from_config(str(self.home / "dagster"))

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the deployment's namespace."""
        return self.cluster.kubectl("-n", NAMESPACE, *arguments, stdin=stdin)

    def pods(self) -> list[dict[str, Any]]:
        """The runs' pods."""
        return json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]

    def kubernetes_jobs(self) -> dict[str, dict[str, Any]]:
        """The runs' Jobs, by run id."""
        found = json.loads(self.kubectl("get", "jobs", "-o", "json"))["items"]
        return {job["metadata"]["labels"]["dagster/run-id"]: job for job in found}

    def agrees(self) -> None:
        """Assert that bucket, ledger, lake and index hold all that landed, nothing else, and every row once."""
        found = reconcile(self.platform, self.platform.repositories.get("lab"), rows=True)
        assert found.differences == ()
        assert found.datasets == len(self.landed)
        current = self.platform.lake.open("lab", "datasets").to_pyarrow_table().select(["dataset_id", "lot"])
        assert sorted(current["dataset_id"].to_pylist()) == sorted(self.landed)
        names = ["dataset_id", "lot", "layer", "feature_id"]
        rows = self.platform.lake.open("lab", "matrix").to_pyarrow_dataset().to_table(columns=names)
        assert rows.group_by(names).aggregate([]).num_rows == rows.num_rows

    def story(self) -> str:
        """What there is to see where something did not happen."""
        pods = self.kubectl("get", "jobs,pods", "-o", "wide")
        runs = [(run.run_id, run.status.value, dict(run.tags)) for run in self.runs()]
        logs = [path.read_text()[-1500:] for path in (self.home / "logs").glob("*.log")]
        return "\n".join([str(runs), pods, *logs])

    def _loaded(self) -> bool:
        query = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
        try:
            answer = httpx.post(f"http://127.0.0.1:{self.port}/graphql", json={"query": query}, timeout=10).json()
        except (httpx.HTTPError, ValueError):
            return False
        entries = answer.get("data", {}).get("workspaceOrError", {}).get("locationEntries", [])
        return any(entry.get("loadStatus") == "LOADED" for entry in entries)

    def _prepare_namespace(self) -> None:
        for name in ("namespace", "access"):
            self.cluster.kubectl("apply", "-f", str(MANIFESTS / f"{name}.yaml"))
        pod_only = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": "/tmp"}
        settings = {"kind": "ConfigMap", "metadata": {"name": "biolake-settings"}, "data": {**self._plain, **pod_only}}
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in self._secret.items()}
        secrets = {"kind": "Secret", "metadata": {"name": "biolake-secrets"}, "data": encoded}
        for document in (settings, secrets):
            self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **document}))

    def _run_from_here(self, launcher: dict[str, Any]) -> None:
        """Change what differs from a cluster with a registry: where the launcher is, and what pods are made of."""
        launcher |= {
            "load_incluster_config": False,
            "kubeconfig_file": str(self._kubeconfig()),
            "job_image": HOST_BASE,
            "image_pull_policy": "Never",
        }
        places = [Path("/usr"), Path("/etc/ssl"), Path(sys.base_prefix), Path(sys.prefix), PROJECT, self.home]
        names = {f"place-{number}": str(path) for number, path in enumerate(dict.fromkeys(places))}
        runs = launcher["run_k8s_config"]
        for toleration in runs["pod_spec_config"]["tolerations"]:
            toleration["toleration_seconds"] = 5
        runs["pod_spec_config"]["host_network"] = True
        runs["pod_spec_config"]["volumes"] = [
            *({"name": name, "host_path": {"path": path}} for name, path in names.items()),
            {"name": "temporary", "empty_dir": {}},
            {"name": "dagster", "empty_dir": {}},
            {"name": "memory", "empty_dir": {}},
        ]
        runs["container_config"]["volume_mounts"] = [
            *({"name": name, "mount_path": path, "read_only": True} for name, path in names.items()),
            {"name": "temporary", "mount_path": "/tmp"},
            {"name": "dagster", "mount_path": "/var/lib/dagster"},
            # Where a node's recordings share its memory; a pod has its own.
            {"name": "memory", "mount_path": str(self.home / "memory")},
        ]

    def _kubeconfig(self) -> Path:
        """Where the launcher finds the cluster, with the rights that the platform has there and no others."""
        administrator = yaml.safe_load(self.cluster.kubeconfig.read_text())
        token = self.kubectl("create", "token", "biolake", "--duration=2h").strip()
        name = administrator["users"][0]["name"]
        path = self.home / "kubeconfig.json"
        path.write_text(json.dumps(administrator | {"users": [{"name": name, "user": {"token": token}}]}))
        return path
