"""A Trino coordinator (https://trino.io) with a delta_lake catalog on S3 and an opensearch catalog, from Maven Central.

The server's archive holds every connector; the home that is kept has the two that the platform uses, and passwords.
"""

import json
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.engines.servers.cache import built
from tests.engines.servers.missing import java, lacking
from tests.engines.servers.process import ServerProcess, free_port
from tests.engines.servers.trino_security import secure

VERSION = "476"
LAKE_CATALOG = "lake"
INDEX_CATALOG = "opensearch"
_PLUGINS = ("delta-lake", "opensearch", "password-authenticators")
_JVM = (
    "-Xmx2G", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=32M", "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:+ExitOnOutOfMemoryError", "-XX:-OmitStackTraceInFastThrow", "-XX:ReservedCodeCacheSize=256M",
    "-XX:PerMethodRecompilationCutoff=10000", "-XX:PerBytecodeRecompilationCutoff=10000",
    "-Djdk.attach.allowAttachSelf=true", "-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8",
    "-XX:+EnableDynamicAgentLoading", "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector",
)  # fmt: skip


class TrinoServer:
    """One node on the loopback, coordinator and worker, with 2 GB of heap."""

    def __init__(
        self,
        folder: Path,
        s3: Mapping[str, str],
        opensearch_port: int | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a node with its files below `folder`; `start` runs it.

        Args:
            folder: An empty folder.
            s3: `AWS_*` variables of the S3 server that the lakes are on.
            opensearch_port: Port of OpenSearch on the loopback; without it there is no catalog of it.
            users: Passwords by name; with them the node asks for one, over TLS by a certificate of `authority`.
        """
        home = built(f"trino-{VERSION}-{len(_PLUGINS)}", _assemble)
        self.port = free_port()
        self.url = self._http = f"http://127.0.0.1:{self.port}"
        catalogs, data = folder / "catalogs", folder / "data"
        for place in (catalogs, data, folder / "metastore"):
            place.mkdir(parents=True)
        self._user, self.authority, security = ("tests", None), None, {}
        if users:
            port = free_port()
            security = secure(folder, users, port)
            self._user, self.authority = next(iter(users.items())), folder / "ca.pem"
            self.url = f"https://127.0.0.1:{port}"
        _properties(
            folder / "config.properties",
            {
                "coordinator": "true",
                "node-scheduler.include-coordinator": "true",
                "http-server.http.port": self.port,
                "node.internal-address": "127.0.0.1",
                "discovery.uri": self._http,
                "plugin.dir": home / "plugin",
                "catalog.config-dir": catalogs,
                "http-server.log.enabled": "false",
                "query.max-memory": "1GB",
                "query.max-memory-per-node": "800MB",
                **security,
            },
        )
        _properties(
            catalogs / f"{LAKE_CATALOG}.properties",
            {
                "connector.name": "delta_lake",
                "hive.metastore": "file",
                "hive.metastore.catalog.dir": "local:///metastore",
                "fs.native-local.enabled": "true",
                "local.location": folder,
                "fs.native-s3.enabled": "true",
                "s3.endpoint": s3["AWS_ENDPOINT_URL"],
                "s3.region": s3["AWS_REGION"],
                "s3.path-style-access": "true",
                "s3.aws-access-key": s3["AWS_ACCESS_KEY_ID"],
                "s3.aws-secret-key": s3["AWS_SECRET_ACCESS_KEY"],
                "delta.register-table-procedure.enabled": "true",
            },
        )
        if opensearch_port is not None:
            _properties(
                catalogs / f"{INDEX_CATALOG}.properties",
                {
                    "connector.name": "opensearch",
                    "opensearch.host": "127.0.0.1",
                    "opensearch.port": opensearch_port,
                    "opensearch.default-schema-name": "default",
                    "opensearch.ignore-publish-address": "true",
                },
            )
        (folder / "log.properties").write_text("io.trino=INFO\n")
        command = [
            str(java(25, 25)), *_JVM, "-Dnode.environment=tests", "-Dnode.id=one", f"-Dnode.data-dir={data}",
            "-Dnode.bind-ip=127.0.0.1", f"-Dconfig={folder}/config.properties",
            f"-Dlog.levels-file={folder}/log.properties", "-cp", f"{home}/lib/*", "io.trino.server.TrinoServer",
        ]  # fmt: skip
        self._process = ServerProcess(command, folder / "server.log", self._answers, seconds=180)
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill

    def _answers(self) -> bool:
        with urllib.request.urlopen(f"{self._http}/v1/info", timeout=2) as answer:
            if json.load(answer)["starting"]:
                return False
        # For a while more, statements fail for want of nodes.
        import trino

        try:
            return bool(list(self.rows("SELECT 1 FROM system.runtime.nodes WHERE state = 'active'")))
        except trino.exceptions.TrinoQueryError:
            return False

    def rows(self, sql: str) -> Iterator[tuple[object, ...]]:
        """Answer a statement with Trino's own client."""
        import requests
        import trino

        name, password = self._user
        session = requests.Session()
        # The environment may name other authorities.
        session.trust_env = False
        signed_in = trino.auth.BasicAuthentication(name, password) if password else None
        session.verify = str(self.authority) if self.authority else True
        with trino.dbapi.Connection(self.url, user=name, auth=signed_in, http_session=session) as connection:
            for row in connection.cursor().execute(sql).fetchall():
                yield tuple(row)


def tools() -> str | None:
    """What is missing to build and run it; None where nothing is."""
    return lacking("Trino", {"Maven (mvn)": shutil.which("mvn") is not None, "a JDK 25": java(25, 25) is not None})


def _properties(file: Path, values: Mapping[str, object]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def _assemble(home: Path) -> None:
    work = home / "download"
    artifact = f"io.trino:trino-server:{VERSION}:tar.gz"
    command = ["mvn", "-B", "-q", "-ntp", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={work}"]
    subprocess.run(command, cwd=home, check=True)
    (archive,) = work.glob("*.tar.gz")
    wanted = ("lib/", "secrets-plugin/", *(f"plugin/{name}/" for name in _PLUGINS))
    with tarfile.open(archive) as file:
        for member in file:
            member.name = member.name.partition("/")[2]
            if member.islnk():
                member.linkname = member.linkname.partition("/")[2]
            if member.name.startswith(wanted):
                file.extract(member, home, filter="data")
    shutil.rmtree(work)
