"""TLS and users for a node: the security plugin, and three users with their roles.

The plugin is not published for the node's version; one of a near version is made to fit, as far as these tests go.
"""

import base64
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.servers.missing import lacking

_PLUGIN = "org.opensearch.plugin:opensearch-security:3.4.0.0:zip"
# The core of the plugin's own version brings it.
_MISSING = "org.apache.commons:commons-collections4:4.5.0:jar"


@dataclass(frozen=True)
class User:
    """Somebody whom the node knows.

    Attributes:
        digest: bcrypt of the password.
    """

    name: str
    password: str
    digest: str

    @property
    def header(self) -> str:
        """The header of a request of the user's."""
        return "Basic " + base64.b64encode(f"{self.name}:{self.password}".encode()).decode()


_DIGEST = "$2b$06$GrA6aKWTMDjwUMKJZkIrEu8tq/XY4PxNA8XDyHKNx5Hfw1LwWN6sa"
ADMINISTRATOR = User("admin", "Tester-s3cret-9", _DIGEST)
PLATFORM = User("platform", "Tester-s3cret-9", _DIGEST)
"""Has what docs/search.md asks for, on names that begin with `t`, and nothing else."""
READER = User("reader", "Tester-s3cret-9", _DIGEST)
"""May read what the platform may write."""

SETTINGS: dict[str, Any] = {
    "plugins.security.ssl.transport.pemcert_filepath": "node.pem",
    "plugins.security.ssl.transport.pemkey_filepath": "node.key",
    "plugins.security.ssl.transport.pemtrustedcas_filepath": "ca.pem",
    "plugins.security.ssl.transport.enforce_hostname_verification": False,
    "plugins.security.ssl.transport.resolve_hostname": False,
    "plugins.security.ssl.http.enabled": True,
    "plugins.security.ssl.http.pemcert_filepath": "node.pem",
    "plugins.security.ssl.http.pemkey_filepath": "node.key",
    "plugins.security.ssl.http.pemtrustedcas_filepath": "ca.pem",
    "plugins.security.allow_default_init_securityindex": True,
    "plugins.security.authcz.admin_dn": ["CN=admin,O=local"],
    "plugins.security.nodes_dn": ["CN=node,O=local"],
    "plugins.security.system_indices.enabled": True,
}

_ROLES = """
platform:
  cluster_permissions:
    - cluster_composite_ops
    - cluster:monitor/main
    - indices:admin/index_template/put
    - cluster:admin/search/pipeline/put
    - indices:data/write/bulk
    - indices:data/read/point_in_time/*
  index_permissions:
    - index_patterns: ["t*-*"]
      allowed_actions: ["indices:admin/*", "indices:monitor/*", "indices:data/*"]
reader:
  cluster_permissions: [cluster_composite_ops_ro, "cluster:monitor/main", "indices:data/read/point_in_time/*"]
  index_permissions:
    - index_patterns: ["t*-*"]
      allowed_actions: ["indices:data/read/*", "indices:monitor/*", "indices:admin/get", "indices:admin/refresh*"]
"""


def tools() -> str | None:
    """What is missing beside OpenSearch's own; None where nothing is."""
    return lacking("OpenSearch with TLS", {"openssl": shutil.which("openssl") is not None})


def assemble(plugin: Path, version: str, copy: Callable[[Path, str, Path], None]) -> None:
    """Put the plugin into the folder `plugin`, made to fit a version of the node.

    Args:
        plugin: An empty folder.
        version: The node's.
        copy: Puts an artifact into a folder, working in another.
    """
    work = plugin / "artifacts"
    work.mkdir()
    copy(work, _PLUGIN, work)
    (archive,) = work.glob("*.zip")
    with zipfile.ZipFile(archive) as file:
        file.extractall(plugin)
    shutil.rmtree(work)
    copy(plugin, _MISSING, plugin)
    descriptor = plugin / "plugin-descriptor.properties"
    text = re.sub(r"^extended\.plugins=.*$", "extended.plugins=", descriptor.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^opensearch\.version=.*$", f"opensearch.version={version}", text, flags=re.MULTILINE)
    descriptor.write_text(text)


def set_up(home: Path, configuration: Path) -> None:
    """Write the users and their roles."""
    folder = configuration / "opensearch-security"
    shutil.copytree(home / "plugins" / "opensearch-security" / "config", folder)
    users = "".join(
        f'{user.name}: {{hash: "{user.digest}", reserved: false, backend_roles: [{role}]}}\n'
        for user, role in ((ADMINISTRATOR, "admin"), (PLATFORM, "platform"), (READER, "reader"))
    )
    (folder / "internal_users.yml").write_text(f"_meta: {{type: internalusers, config_version: 2}}\n{users}")
    (folder / "roles.yml").write_text(f"_meta: {{type: roles, config_version: 2}}\n{_ROLES}")
    (folder / "roles_mapping.yml").write_text(
        "_meta: {type: rolesmapping, config_version: 2}\n"
        "all_access: {reserved: false, backend_roles: [admin]}\n"
        "platform: {reserved: false, backend_roles: [platform]}\n"
        "reader: {reserved: false, backend_roles: [reader]}\n"
    )
