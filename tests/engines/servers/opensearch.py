"""OpenSearch with k-NN and hybrid search, put together from the project's own artifacts on Maven Central.

The project publishes no distribution there, but its core, modules and plugins: a home folder is assembled from them.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import urllib.request
import zipfile
from pathlib import Path

from tests.engines.servers import opensearch_security as security
from tests.engines.servers.cache import built
from tests.engines.servers.certificates import certify
from tests.engines.servers.missing import java, lacking
from tests.engines.servers.process import UNPRIVILEGED, ServerProcess, free_port

VERSION = "3.6.0"
_GROUP = "org.opensearch.plugin"
_PAINLESS = "lang-painless"
# Module: artifact, class, the module that it extends.
_MODULES = {
    "transport-netty4": ("transport-netty4-client", "org.opensearch.transport.Netty4ModulePlugin", ""),
    "analysis-common": ("analysis-common", "org.opensearch.analysis.common.CommonAnalysisModulePlugin", _PAINLESS),
    _PAINLESS: (_PAINLESS, "org.opensearch.painless.PainlessModulePlugin", ""),
    "mapper-extras": ("mapper-extras-client", "org.opensearch.index.mapper.MapperExtrasModulePlugin", ""),
    "reindex": ("reindex-client", "org.opensearch.index.reindex.ReindexModulePlugin", ""),
    "aggs-matrix-stats": (
        "aggs-matrix-stats-client",
        "org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin",
        "",
    ),
    "parent-join": ("parent-join-client", "org.opensearch.join.ParentJoinModulePlugin", ""),
    "geo": ("geo", "org.opensearch.geo.GeoModulePlugin", ""),
    "lang-mustache": ("lang-mustache-client", "org.opensearch.script.mustache.MustacheModulePlugin", ""),
    "ingest-common": ("ingest-common", "org.opensearch.ingest.common.IngestCommonModulePlugin", _PAINLESS),
    "search-pipeline-common": (
        "search-pipeline-common",
        "org.opensearch.search.pipeline.common.SearchPipelineCommonModulePlugin",
        _PAINLESS,
    ),
    "transport-grpc": ("transport-grpc", "org.opensearch.transport.grpc.GrpcPlugin", ""),
}
_PLUGINS = ("opensearch-knn", "neural-search")
_RUNTIME = "permission java.lang.RuntimePermission"
# What a module may do beyond the default; without the policy of netty no connection leaves the node.
_POLICIES = {
    _PAINLESS: f'{_RUNTIME} "createClassLoader"; {_RUNTIME} "getClassLoader";',
    "lang-mustache": f'{_RUNTIME} "accessDeclaredMembers";',
    "transport-netty4": (
        'permission java.net.SocketPermission "*", "accept,connect"; '
        'permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read"; '
        f'{_RUNTIME} "*", "setContextClassLoader"; {_RUNTIME} "getClassLoader"; '
        'permission java.util.PropertyPermission "sun.nio.ch.bugLevel", "write";'
    ),
    "reindex": (
        'permission java.net.SocketPermission "*", "connect"; permission java.net.NetPermission "getProxySelector";'
    ),
}
_LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class OpenSearchServer:
    """One node on the loopback with 512 MB of heap."""

    def __init__(self, folder: Path, *, secured: bool = False) -> None:
        """Prepare a node; `start` runs it.

        Args:
            folder: Where it and its data are.
            secured: With TLS, by a certificate of `authority`, and with the users of `opensearch_security`.
        """
        # The node is another user, who cannot reach the cache of this one.
        home = folder / "home"
        shutil.copytree(built(f"opensearch-{VERSION}", _assemble), home)
        if secured:
            plugin = built("opensearch-security", lambda place: security.assemble(place, VERSION, _copy))
            shutil.copytree(plugin, home / "plugins" / "opensearch-security")
        self.port = free_port()
        self.url = f"{'https' if secured else 'http'}://127.0.0.1:{self.port}"
        configuration, data, temporary = folder / "config", folder / "data", folder / "tmp"
        for place in (configuration, data, temporary, folder / "logs"):
            place.mkdir(parents=True, exist_ok=True)
        (configuration / "log4j2.properties").write_text(_LOGGING)
        settings = {
            "cluster.name": "biolake-tests",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "path.data": str(data),
            "path.logs": str(folder / "logs"),
        }
        self.authority: Path | None = None
        if secured:
            self.authority = certify(configuration)
            security.set_up(home, configuration)
            settings |= security.SETTINGS
        (configuration / "opensearch.yml").write_text(json.dumps(settings))
        _give(folder)
        agent = next((home / "agent").glob("opensearch-agent-[0-9]*.jar"))
        command = [
            str(java(25, 25)), "-Xms512m", "-Xmx512m", "-XX:+UseG1GC", f"-Djava.io.tmpdir={temporary}", "-Xss1m",
            "-Djava.awt.headless=true", "-Djna.nosys=true", "-Dio.netty.noUnsafe=true", "-Dclk.tck=100",
            "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true", "-Djdk.attach.allowAttachSelf=true",
            "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", f"-javaagent:{agent}",
            f"-Dopensearch.path.home={home}", f"-Dopensearch.path.conf={configuration}",
            "-Dopensearch.distribution.type=tar", "-Dopensearch.bundled_jdk=false", "-cp", f"{home}/lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]  # fmt: skip
        self._process = ServerProcess(command, folder / "server.log", self._answers, unprivileged=True, seconds=180)
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill
        self.restart = self._process.restart

    def _answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/_cluster/health")
        trusted = None
        if self.authority is not None:
            trusted = ssl.create_default_context(cafile=str(self.authority))
            request.add_header("authorization", security.ADMINISTRATOR.header)
        with urllib.request.urlopen(request, timeout=2, context=trusted) as answer:
            return json.load(answer)["status"] in {"green", "yellow"}


def tools() -> str | None:
    """What is missing to build and run it; None where nothing is."""
    return lacking("OpenSearch", {"Maven (mvn)": shutil.which("mvn") is not None, "a JDK 25": java(25, 25) is not None})


def _give(folder: Path) -> None:
    """Let the node, which refuses to be root, own its folder and reach it."""
    if os.getuid() == 0:
        for place in (folder, *folder.rglob("*")):
            os.chown(place, UNPRIVILEGED, UNPRIVILEGED)


def _assemble(home: Path) -> None:
    work = home / "artifacts"
    core = [f"org.opensearch:{name}:{VERSION}" for name in ("opensearch", "opensearch-plugin-classloader")]
    core += [f"org.opensearch:{name}:{VERSION}" for name in ("opensearch-cli", "opensearch-agent")]
    core += [f"org.opensearch:opensearch-agent-bootstrap:{VERSION}"]
    _project(work / "core", core)
    for name, (artifact, _, _) in _MODULES.items():
        _project(work / name, [f"{_GROUP}:{artifact}:{VERSION}"])
    modules = "".join(f"<module>{name}</module>" for name in ("core", *_MODULES))
    (work / "pom.xml").write_text(_pom("all", "pom", f"<modules>{modules}</modules>"))
    _maven(work, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=${project.basedir}/jars")
    logging = next((work / "core/jars").glob("log4j-api-*.jar")).stem.removeprefix("log4j-api-")
    spatial = ("org.locationtech.jts:jts-core:1.15.0", "org.locationtech.spatial4j:spatial4j:0.7")
    for artifact in (f"org.apache.logging.log4j:log4j-core:{logging}", *spatial):
        _copy(work, f"{artifact}:jar", work / "core/jars")
    for plugin in _PLUGINS:
        _copy(work, f"{_GROUP}:{plugin}:{VERSION}.0:zip", work / "plugins")
    for place in ("lib", "modules", "plugins", "config", "data", "logs", "agent", "bin", "extensions"):
        (home / place).mkdir()
    in_core = _place_core(home, work)
    for name in _MODULES:
        _place_module(home, work, name, in_core)
    for archive in (work / "plugins").glob("*.zip"):
        _place_plugin(home, archive)
    shutil.rmtree(work)


def _project(folder: Path, artifacts: list[str]) -> None:
    folder.mkdir(parents=True)
    wanted = ""
    for artifact in artifacts:
        group, name, version = artifact.split(":")
        wanted += f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        wanted += f"<version>{version}</version></dependency>"
    (folder / "pom.xml").write_text(_pom(folder.name, "jar", f"<dependencies>{wanted}</dependencies>"))


def _pom(name: str, packaging: str, content: str) -> str:
    itself = f"<groupId>local</groupId><artifactId>{name}</artifactId><version>1</version>"
    return (
        f'<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>{itself}'
        f"<packaging>{packaging}</packaging>{content}</project>"
    )


def _copy(work: Path, artifact: str, to: Path) -> None:
    _maven(work, "-N", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={to}")


def _maven(work: Path, *arguments: str) -> None:
    subprocess.run(["mvn", "-B", "-q", "-ntp", *arguments], cwd=work, check=True)


def _place_core(home: Path, work: Path) -> set[str]:
    names = set()
    for jar in (work / "core/jars").glob("*.jar"):
        agent = _artifact(jar) in {"opensearch-agent", "opensearch-agent-bootstrap", "byte-buddy"}
        shutil.copy(jar, home / ("agent" if agent else "lib"))
        names.add(_artifact(jar))
    return names


def _place_module(home: Path, work: Path, name: str, in_core: set[str]) -> None:
    _, main, extends = _MODULES[name]
    folder = home / "modules" / name
    folder.mkdir()
    # A jar of the module that is extended may not be there twice.
    elsewhere = {_artifact(jar) for jar in (work / extends / "jars").glob("*.jar")} if extends else set()
    elsewhere |= {"opensearch-scripting-painless-spi"} if extends else set()
    for jar in (work / name / "jars").glob("*.jar"):
        if _artifact(jar) not in in_core | elsewhere:
            shutil.copy(jar, folder)
    (folder / "plugin-descriptor.properties").write_text(
        f"name={name}\ndescription={name}\nversion={VERSION}\nopensearch.version={VERSION}\njava.version=21\n"
        f"classname={main}\nextended.plugins={extends}\ncustom.foldername=\nhas.native.controller=false\n"
    )
    if name in _POLICIES:
        (folder / "plugin-security.policy").write_text("grant { " + _POLICIES[name] + " };\n")


def _place_plugin(home: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        lines = file.read("plugin-descriptor.properties").decode().splitlines()
        name = next(line.split("=", 1)[1].strip() for line in lines if line.startswith("name="))
        file.extractall(home / "plugins" / name)
    _drop_missing_extensions(home, home / "plugins" / name / "plugin-descriptor.properties")


def _drop_missing_extensions(home: Path, descriptor: Path) -> None:
    """Take out of a plugin's descriptor the optional modules that are not published."""
    there = {place.name for kind in ("modules", "plugins") for place in (home / kind).iterdir()}
    there |= set(_PLUGINS)
    text = descriptor.read_text()
    found = re.search(r"^extended\.plugins=(.*)$", text, re.MULTILINE)
    names = [part.split(";")[0].strip() for part in found[1].split(",")] if found else []
    kept = ",".join(name for name in names if name in there)
    descriptor.write_text(re.sub(r"^extended\.plugins=.*$", f"extended.plugins={kept}", text, flags=re.MULTILINE))


def _artifact(jar: Path) -> str:
    return re.sub(r"-\d[\w.\-]*$", "", jar.stem)
