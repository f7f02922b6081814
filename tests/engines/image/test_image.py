"""What the image is: small rights, nothing of the builder's, and everything that recordings need."""

import json

from tests.engines.image.build import REFERENCE
from tests.engines.servers.kubernetes.cluster import Cluster

_SEEN = """
import json, os, pathlib, shutil
from biolake.settings import Settings
from biolake.studies.runtimes import ensure_runtime, runtime_names

settings = Settings.from_environment()
tried = {}
for path in ("/opt/new", "/opt/runtimes/new", "/new", "/tmp/new"):
    try:
        pathlib.Path(path).touch()
        tried[path] = True
    except OSError:
        tried[path] = False
built = [ensure_runtime(name, settings.runtimes, settings.runtime_cache) for name in runtime_names(settings.runtimes)]
pip, uv = pathlib.Path("/etc/pip.conf"), pathlib.Path("/etc/uv")
print(json.dumps({
    "user": os.getuid(), "written": tried, "tools": [shutil.which(name) for name in ("uv", "gcc")],
    "builder": [pip.exists() and pip.read_text(), uv.exists() and [one.read_text() for one in uv.iterdir()]],
    "runtimes": {one.name: [one.skdh_version, one.python.is_file()] for one in built},
}))
"""
_SECURITY = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def test_a_pod_has_no_rights_and_every_locked_runtime(node: Cluster) -> None:
    container = {
        "name": "look",
        "image": f"{REFERENCE}:built",
        "imagePullPolicy": "Never",
        "command": ["python", "-c", _SEEN],
        "securityContext": _SECURITY,
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "temporary", "emptyDir": {}}],
    }
    node.kubectl(
        "apply",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "look"}, "spec": spec}),
    )
    assert node.kubectl_answers("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/look", "--timeout=180s"), (
        node.kubectl("describe", "pod", "look")
    )
    seen = json.loads(node.kubectl("logs", "look"))
    assert seen["user"] == 1000
    assert seen["written"] == {"/opt/new": False, "/opt/runtimes/new": False, "/new": False, "/tmp/new": True}
    assert seen["tools"] == [None, None]
    assert not any(any(one) if isinstance(one, list) else one for one in seen["builder"])
    assert seen["runtimes"] == {
        "skdh-0.17.18-py311-a": ["0.17.18", True],
        "skdh-0.17.18-py311-dfa": ["0.17.18", True],
        "skdh-0.17.9-py311-a": ["0.17.9", True],
    }
