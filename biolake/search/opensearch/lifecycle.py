"""Which index of OpenSearch serves, and how one comes into being: template, first index, aliases, signs of life.

Indexes are numbered. One of them has the two aliases and serves; one with a higher number is being filled to take its
place (`rebuild`), or was when its process died. Creating an index is what makes a process the one that
fills: the name is taken then.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biolake.search.errors import IndexBusy, IndexTooNew
from biolake.search.opensearch.cluster import WRITE_DELAYS, Cluster, Delays, reason_of
from biolake.search.opensearch.mapping import (
    MAPPING_VERSION,
    Names,
    hybrid_pipeline,
    meta,
    numbered,
    template,
)

_LONG = {"request_timeout": 60}
SHOWN = {"term": {"deleted": False}}
"""The filter that leaves out what was deleted."""


@dataclass(frozen=True)
class Generation:
    """One index of the deployment.

    Attributes:
        index: Its concrete name.
        mapping: Version of its mapping.
        number: Its number; later fillings have higher ones.
        serving: Whether the alias is on it.
        dimension: Length of its vectors, 0 for none.
        beat: The newest sign of life of the process that fills it, None where nobody does.
    """

    index: str
    mapping: int
    number: int
    serving: bool
    dimension: int
    beat: str | None


def filling(index: str) -> str:
    """The alias by which an index is filled before it serves."""
    return f"{index}-filling"


class Lifecycle:
    """The indexes of one deployment."""

    def __init__(self, cluster: Cluster, names: Names, *, shards: int, dimension: int) -> None:
        self.cluster = cluster
        self.names = names
        self.dimension = dimension
        self._shards = shards

    def survey(self, delays: Delays = WRITE_DELAYS) -> list[Generation]:
        """Return all indexes of the deployment, in the order of their numbers."""
        found: Mapping[str, Any] = self.cluster.ask(
            lambda client: client.indices.get(
                index=self.names.every_index,
                params={"filter_path": "*.aliases,*.mappings._meta", "expand_wildcards": "open", **_LONG},
            ),
            delays=delays,
        )
        generations: list[Generation] = []
        for index, told in found.items():
            number = numbered(index)
            if number is None or not index.startswith(self.names.alias + "-v"):
                continue
            said = told.get("mappings", {}).get("_meta", {}).get("biolake", {})
            generations.append(
                Generation(
                    index,
                    *number,
                    serving=self.names.alias in told.get("aliases", {}),
                    dimension=int(said.get("vector_dimension", 0)),
                    beat=said.get("beat"),
                )
            )
        return sorted(generations, key=lambda one: one.number)

    def serving(self, delays: Delays = WRITE_DELAYS) -> Generation | None:
        """Return the index that serves, None where there is none yet.

        Raises:
            IndexTooNew: A newer version of the platform has taken over.
        """
        found = next((one for one in self.survey(delays) if one.serving), None)
        if found is not None and found.mapping > MAPPING_VERSION:
            raise IndexTooNew(
                f"{found.index}: a newer version of Biolake has brought the index to layout {found.mapping}, this one "
                f"knows {MAPPING_VERSION}. Upgrade this installation, or stop it."
            )
        return found

    def create(self) -> Generation:
        """Create the first index, or return the one that another process was first to create."""
        numbers = [one.number for one in self.survey()]
        index = self.names.index(max(numbers, default=0) + 1)
        self.prepare()
        self._created(index, {"aliases": self._aliases(), "mappings": {"_meta": meta(self.dimension)}})
        found = self.serving()
        if found is None:
            raise IndexBusy(f"{index}: another process is creating the index. Repeat the call.")
        return found

    def prepare(self) -> None:
        """Put the template and the search pipeline there, as this version knows them."""
        names, body = self.names, template(self.names, shards=self._shards, dimension=self.dimension)
        self.cluster.ask(
            lambda client: client.indices.put_index_template(name=names.current, body=body, params=dict(_LONG)),
            delays=WRITE_DELAYS,
        )
        if self.dimension:
            self.cluster.ask(
                lambda client: client.transport.perform_request(
                    "PUT", f"/_search/pipeline/{names.pipeline}", body=hybrid_pipeline(), params=dict(_LONG)
                ),
                delays=WRITE_DELAYS,
            )

    def claim(self, number: int, beat: str) -> str | None:
        """Create the index of a number to be filled; None where another process was first.

        It is filled by the alias `filling(index)`: an index that was removed must not come about again by a write.
        """
        index = self.names.index(number)
        self.prepare()
        body = {"aliases": {filling(index): {}}, "mappings": {"_meta": meta(self.dimension, beat)}}
        return index if self._created(index, body) else None

    def beat(self, index: str, beat: str | None) -> None:
        """Give a sign of life of the process that fills an index, or say that it is done."""
        self.cluster.ask(
            lambda client: client.indices.put_mapping(
                index=index, body={"_meta": meta(self.dimension, beat)}, params=dict(_LONG)
            ),
            delays=WRITE_DELAYS,
            expected=(404,),
        )

    def take_over(self, old: Generation, index: str) -> None:
        """Move the aliases from one index to another, in one step that either happens or not.

        Raises:
            TransportError: The old index no longer serves, or the other was abandoned.
        """
        actions: list[dict[str, Any]] = [
            {"remove": {"index": index, "alias": filling(index), "must_exist": True}},
            {"remove": {"index": old.index, "alias": self.names.alias, "must_exist": True}},
            {"remove": {"index": old.index, "alias": f"{self.names.alias}-v{old.mapping}", "must_exist": True}},
        ]
        actions += [{"add": {"index": index, "alias": alias, **how}} for alias, how in self._aliases().items()]
        self.cluster.ask(
            lambda client: client.indices.update_aliases(body={"actions": actions}, params=dict(_LONG)),
            expected=(400, 404),
        )

    def forbid_writing(self, index: str) -> None:
        """Let no write begin, and return when those that had begun are done."""
        self.cluster.ask(
            lambda client: client.indices.add_block(index=index, block="write", params=dict(_LONG)),
            delays=WRITE_DELAYS,
        )

    def remove(self, index: str) -> None:
        """Delete an index, if it is there."""
        self.cluster.ask(
            lambda client: client.indices.delete(index=index, params={"ignore_unavailable": "true", **_LONG}),
            delays=WRITE_DELAYS,
        )

    def abandon(self, serving: Generation, *, seconds: float) -> bool:
        """Remove what a dead process left half filled, and let others write again where it had forbidden it.

        Args:
            serving: The index that serves.
            seconds: How long a process may be silent before it counts as dead.

        Returns:
            Whether nobody is filling an index now.
        """
        before = self.being_filled(serving)
        if before:
            time.sleep(seconds)
            now = self.being_filled(serving)
            if any(before.get(index) != beat for index, beat in now.items()):
                return False
            for index in now:
                self._release(serving, index)
        return True

    def release_own(self, serving: Generation, index: str, owner: str) -> None:
        """Remove an index that its owner will not finish, unless it is another's by now."""
        beat = self.being_filled(serving).get(index)
        if beat is not None and beat.startswith(owner):
            self._release(serving, index)

    def being_filled(self, serving: Generation) -> dict[str, str | None]:
        """Return the indexes that are to take the serving one's place, with the newest sign of life of each."""
        return {one.index: one.beat for one in self.survey() if one.number > serving.number and not one.serving}

    def _release(self, serving: Generation, index: str) -> None:
        """Take an index its name as one that is filled, let others write, and delete it.

        Without the name it can no longer take over, should its process wake up; and as long as it is there, this can be
        done again.
        """
        actions = [{"remove": {"index": index, "alias": filling(index)}}]
        self.cluster.ask(
            lambda client: client.indices.update_aliases(body={"actions": actions}, params=dict(_LONG)),
            delays=WRITE_DELAYS,
        )
        self.cluster.ask(
            lambda client: client.indices.put_settings(
                index=serving.index, body={"index.blocks.write": None}, params=dict(_LONG)
            ),
            delays=WRITE_DELAYS,
        )
        self.remove(index)

    def _aliases(self) -> dict[str, dict[str, Any]]:
        # With a write index named, the cluster refuses an alias a second one: two first indexes cannot both come about.
        return {
            self.names.alias: {"filter": SHOWN, "is_write_index": True},
            self.names.current: {"is_write_index": True},
        }

    def _created(self, index: str, body: Mapping[str, Any]) -> bool:
        """Create an index; say whether it was this process that did."""
        from opensearchpy.exceptions import TransportError

        try:
            self.cluster.ask(
                lambda client: client.indices.create(index=index, body=body, params=dict(_LONG)),
                delays=WRITE_DELAYS,
                expected=(400, 500),
            )
        except TransportError as error:
            told = f"{error.error} {reason_of(error)}"
            if "resource_already_exists_exception" in told or "more than one write index" in told:
                return False
            raise self.cluster.meaning(error) from error
        return True
