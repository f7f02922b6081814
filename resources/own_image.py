"""Which image this process runs from, as Kubernetes says of its pod.

A tag may be another image tomorrow; the digest in a container's status may not.
"""

import os
from typing import Any

from biolake.errors import BiolakeError

POD = "POD_NAME"


class NoImage(BiolakeError):
    """Nothing says of which image runs are."""


def own_image(pods: Any, namespace: str, seconds: float) -> str:
    """Return the image of this process's pod by its digest; by its tag where no registry gave it a digest.

    Args:
        pods: A client of the API's `core/v1`.
        namespace: Where the pod is.
        seconds: How long to wait for an answer.

    Raises:
        NoImage: This process is in no pod, or does not know its name.
        ApiException: The API server refuses.
        urllib3.exceptions.HTTPError: It does not answer.
    """
    name = os.environ.get(POD)
    if not name:
        raise NoImage(
            f"runs have no image: neither the launcher's job_image nor {POD} says which. Set one of them, as "
            "deploy/kubernetes does."
        )
    pod = pods.read_namespaced_pod(name, namespace, _request_timeout=seconds)
    # A service mesh puts its own containers behind the pod's.
    container = pod.spec.containers[0]
    for status in pod.status.container_statuses or ():
        if status.name == container.name and "@" in (status.image_id or ""):
            return status.image_id.removeprefix("docker-pullable://")
    return container.image
