"""OpenSearch: reached, healthy, with the plugins and the layout that the code needs, and open to its writes."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biolake.doctor.clock import clock, now
from biolake.doctor.http import http_client, unreachable
from biolake.doctor.models import Examination, Finding, ok, problem, skipped, warning
from biolake.settings import Settings

if TYPE_CHECKING:
    import httpx

_OLDEST = (2, 19)
_ENGINE = "index"
_BLOCKS = {
    "read_only_allow_delete": "Free disk on the nodes: OpenSearch stops writes above its flood-stage watermark and "
    "lifts the block when there is room again.",
    "read_only": "Somebody forbade writing: set index.blocks.read_only to null when that is over.",
    "write": "An index that is filled anew forbids writing for a moment. Where nobody fills it, a process that did has "
    "died: the next write lifts the block, and so does `biolake reconcile --rebuild-index`.",
}


def opensearch(settings: Settings) -> Examination:
    """Look at the cluster as the platform's user."""

    def look() -> Iterator[Finding]:
        import httpx

        with http_client(settings.index, settings.index_user, settings.index_password, settings.index_ca, {}) as client:
            try:
                answer = client.get("/")
            except httpx.HTTPError as error:
                yield unreachable(_ENGINE, "BIOLAKE_INDEX", settings.index, error)
                return
            yield from _reached(settings, answer)
            if answer.is_success:
                if settings.index_vector_dimension:
                    yield _plugins(client)
                yield _health(client)
                yield _layout(client, settings.index_name)
                yield _template(client, settings.index_name)
                yield _blocks(client, settings.index_name)
                yield _clock(client)
                yield _writing(client, settings.index_name)

    return Examination(_ENGINE, look)


def _reached(settings: Settings, answer: "httpx.Response") -> Iterator[Finding]:
    if answer.status_code == 401:
        user = settings.index_user or "nobody"
        yield problem(
            _ENGINE,
            "reachable",
            f"{settings.index}: {user} is not let in",
            "Correct BIOLAKE_INDEX_USER and BIOLAKE_INDEX_PASSWORD.",
        )
        return
    if not answer.is_success:
        yield problem(_ENGINE, "reachable", f"{settings.index}: {_said(answer)}", "See OpenSearch's own log.")
        return
    version = answer.json().get("version", {})
    number = str(version.get("number", "?"))
    yield ok(_ENGINE, "reachable", settings.index)
    if version.get("distribution") != "opensearch":
        yield problem(_ENGINE, "version", f"this is not OpenSearch ({number})", "Set BIOLAKE_INDEX to OpenSearch.")
    elif tuple(int(part) for part in number.split(".")[:2] if part.isdigit()) < _OLDEST:
        yield problem(_ENGINE, "version", f"OpenSearch {number}", "Upgrade it to 2.19 or newer.")
    else:
        yield ok(_ENGINE, "version", f"OpenSearch {number}")


def _plugins(client: "httpx.Client") -> Finding:
    answer = client.get("/_cat/plugins", params={"format": "json", "h": "component"})
    if not answer.is_success:
        return skipped(_ENGINE, "k-NN", f"not told: {_said(answer)}")
    names = {str(row["component"]) for row in answer.json()}
    missing = sorted({"opensearch-knn", "opensearch-neural-search"} - names)
    if missing:
        return problem(
            _ENGINE,
            "k-NN",
            f"without {', '.join(missing)}",
            "Install them on every node, or set BIOLAKE_INDEX_VECTOR_DIMENSION to 0: vectors need both.",
        )
    return ok(_ENGINE, "k-NN", "k-NN and neural-search are installed")


def _layout(client: "httpx.Client", name: str) -> Finding:
    """Hold the layout of the index that serves against the code's."""
    from biolake.search.opensearch.mapping import MAPPING_VERSION, Names, numbered

    names = Names(name)
    answer = client.get(f"/{names.every_index}", params={"filter_path": "*.aliases", "expand_wildcards": "open"})
    if not answer.is_success:
        return skipped(_ENGINE, "layout", f"not told: {_said(answer)}")
    serving = [index for index, told in answer.json().items() if names.alias in told.get("aliases", {})]
    versions = [number[0] for index in serving if (number := numbered(index)) is not None]
    if not versions:
        return skipped(_ENGINE, "layout", f"{names.alias} is made with the first dataset")
    newest = max(versions)
    if newest > MAPPING_VERSION:
        return problem(
            _ENGINE,
            "layout",
            f"{names.alias} has layout {newest}, and this code knows {MAPPING_VERSION}",
            "Upgrade this installation, or stop it: a newer one has taken over.",
        )
    if newest < MAPPING_VERSION:
        return warning(
            _ENGINE,
            "layout",
            f"{names.alias} has layout {newest}, and this code makes {MAPPING_VERSION}",
            "The first write fills it anew; `biolake reconcile --rebuild-index` does it now.",
        )
    return ok(_ENGINE, "layout", f"{names.alias} has layout {newest}")


def _template(client: "httpx.Client", name: str) -> Finding:
    """Look for what an index that is filled anew is made by."""
    from biolake.search.opensearch.mapping import MAPPING_VERSION, Names

    names = Names(name)
    answer = client.get(f"/_index_template/{names.current}")
    again = "`biolake reconcile --rebuild-index` puts it back; see who changes templates of this cluster."
    if answer.status_code == 404:
        if not client.head(f"/{names.current}").is_success:
            return skipped(_ENGINE, "template", "put there with the first dataset")
        return warning(_ENGINE, "template", f"{names.current} is gone", again)
    if not answer.is_success:
        return skipped(_ENGINE, "template", f"not told: {_said(answer)}")
    version = answer.json()["index_templates"][0]["index_template"].get("version")
    if version != MAPPING_VERSION:
        found = f"{names.current} has version {version}, and this code's is {MAPPING_VERSION}"
        return warning(_ENGINE, "template", found, again)
    return ok(_ENGINE, "template", f"{names.current} has version {version}")


def _blocks(client: "httpx.Client", name: str) -> Finding:
    """Ask whether the index that serves takes writes."""
    from biolake.search.opensearch.mapping import Names

    alias = Names(name).current
    answer = client.get(f"/{alias}/_settings", params={"filter_path": "*.settings.index.blocks"})
    if not answer.is_success:
        found = f"{alias} is made with the first dataset" if answer.status_code == 404 else f"not told: {_said(answer)}"
        return skipped(_ENGINE, "writable", found)
    every = [told["settings"]["index"]["blocks"] for told in answer.json().values()]
    blocks = {kind for blocks in every for kind, on in blocks.items() if str(on) == "true"}
    for kind, remedy in _BLOCKS.items():
        if kind in blocks:
            return problem(_ENGINE, "writable", f"{alias} has the block {kind}", remedy)
    return ok(_ENGINE, "writable", f"{alias} takes writes")


def _health(client: "httpx.Client") -> Finding:
    answer = client.get("/_cluster/health")
    if not answer.is_success:
        return skipped(_ENGINE, "health", f"not told: {_said(answer)}")
    health: dict[str, Any] = answer.json()
    status, nodes = str(health["status"]), int(health["number_of_nodes"])
    found = f"{status}, {nodes} nodes, {health['unassigned_shards']} shards without a node"
    if status == "red":
        return problem(
            _ENGINE, "health", found, "See GET _cluster/allocation/explain; a lost index is rebuilt from the lake."
        )
    if status == "yellow" and nodes > 1:
        return warning(_ENGINE, "health", found, "See GET _cluster/allocation/explain for why copies are missing.")
    return ok(_ENGINE, "health", found)


def _clock(client: "httpx.Client") -> Finding:
    before = now()
    answer = client.get("/_nodes/stats/process")
    after = now()
    if not answer.is_success:
        return skipped(_ENGINE, "clock", f"not told: {_said(answer)}")
    times = [datetime.fromtimestamp(node["timestamp"] / 1000, UTC) for node in answer.json()["nodes"].values()]
    judged = [clock(_ENGINE, one, before, after) for one in times]
    return next((one for one in judged if one.verdict != "ok"), judged[0])


def _writing(client: "httpx.Client", prefix: str) -> Finding:
    """Make an index of the platform's name, put a document in, take the index away."""
    name = f"{prefix}-doctor-{uuid.uuid4().hex[:12]}"
    body = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}
    for method, path, content in (
        ("PUT", f"/{name}", body),
        ("PUT", f"/{name}/_doc/1?refresh=true", {}),
        ("GET", f"/{name}/_search", None),
        ("DELETE", f"/{name}", None),
    ):
        answer = client.request(method, path, json=content)
        if not answer.is_success:
            client.delete(f"/{name}")
            return problem(_ENGINE, "permissions", f"{method} {prefix}-…: {_said(answer)}", _allow(answer, prefix))
    return ok(_ENGINE, "permissions", "indexes may be made, written, read and removed")


def _allow(answer: "httpx.Response", prefix: str) -> str:
    text = answer.text
    if "read_only_allow_delete" in text or "disk usage exceeded" in text:
        return "Free disk on the nodes: OpenSearch stops writes above its flood-stage watermark."
    if answer.status_code in {401, 403}:
        return f"Give the user the permissions that docs/search.md names on {prefix}*."
    return "See OpenSearch's own log."


def _said(answer: "httpx.Response") -> str:
    try:
        error = answer.json()["error"]
        reason = error["reason"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        reason = answer.text[:200]
    return f"{answer.status_code} {str(reason).partition(chr(10))[0]}"
