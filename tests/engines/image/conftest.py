"""The platform's image on a cluster of one node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.image import build
from tests.engines.image.build import REFERENCE, build_image
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.missing import unavailable

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("image")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The image, built now."""
    if missing := build.tools():
        unavailable(missing)
    path = tmp_path_factory.mktemp("image") / "biolake.tar"
    build_image(path)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def node(kubernetes: Cluster, archive: Path) -> Cluster:
    """A cluster whose node has the image, under its tag and its digest as after a pull."""
    kubernetes.import_image(archive, "--digests", "--base-name", REFERENCE)
    return kubernetes
