"""Opens the SQL engine that a deployment uses. What an engine promises is in `models.SqlEngine`."""

import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from urllib.parse import urlsplit

from biolake.settings import Settings
from biolake.sql.embedded import EmbeddedEngine
from biolake.sql.local_copies import LocalCopies
from biolake.sql.models import Limits, SearchSource, SqlEngine
from biolake.sql.snapshots import LakeSnapshots
from biolake.sql.trino import TrinoEngine
from biolake.sql.trino_connection import TrinoAddress
from biolake.sql.versions import LakeVersions, remote_store


def open_engine(
    lake: Settings | str,
    *,
    search: SearchSource | None = None,
    limits: Limits | None = None,
    storage_options: Mapping[str, str] | None = None,
) -> SqlEngine:
    """Open the engine that a deployment's settings choose: Trino where they name one, else the embedded engine.

    Args:
        lake: The deployment's settings, or the lake's URL (`file:///folder`, `s3://bucket/prefix`) or folder for the
            embedded engine.
        search: Answers `search('text')` in statements; without it the function is refused.
        limits: What statements may cost.
        storage_options: For a remote lake, as deltalake takes them; the environment's credentials by default.

    Returns:
        An engine to share between threads. Close it, or use it in a `with` block.
    """
    url = lake.lake if isinstance(lake, Settings) else lake
    chosen = limits or Limits()
    if isinstance(lake, Settings) and lake.trino_url is not None:
        address = TrinoAddress(lake.trino_url, lake.trino_user, lake.trino_password, lake.trino_ca, lake.trino_catalog)
        return TrinoEngine(LakeVersions(url, storage_options=storage_options), address, search, chosen)
    if urlsplit(url).scheme in ("", "file"):
        return EmbeddedEngine(LakeSnapshots(url), search, chosen)
    options = dict(storage_options or {})
    folder = Path(tempfile.mkdtemp(prefix="biolake-sql-"))
    copies = LocalCopies(folder, chosen.local_copy_bytes, _fetch_from(url, options))
    engine = EmbeddedEngine(LakeSnapshots(url, storage_options=options, copies=copies), search, chosen)
    weakref.finalize(engine, rmtree, folder, ignore_errors=True)
    return engine


def _fetch_from(url: str, options: Mapping[str, str]):
    import obstore

    store = remote_store(url, options)

    def fetch(path: str, place: Path) -> None:
        with place.open("wb") as file:
            for chunk in obstore.get(store, path):
                file.write(chunk)

    return fetch
