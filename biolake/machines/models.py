"""The table of machine sizes, as its document says it."""

import re
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SizeName = Literal["small", "medium", "large", "xlarge"]
NAMES: tuple[SizeName, ...] = ("small", "medium", "large", "xlarge")

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_BYTES = re.compile(r"^([1-9][0-9]*)(Ki|Mi|Gi|Ti)$")
_CORES = re.compile(r"^([1-9][0-9]*m|[1-9][0-9]*)$")


def parse_bytes(text: str) -> int:
    """Read a number of bytes as Kubernetes writes it, `2Gi`.

    Raises:
        ValueError: It is not written so.
    """
    match = _BYTES.match(text)
    if match is None:
        raise ValueError("not a number of bytes. Write it as 512Mi or 8Gi")
    return int(match[1]) * _UNITS[match[2]]


def _bytes(text: str) -> str:
    parse_bytes(text)
    return text


def _cores(text: str) -> str:
    if _CORES.match(text) is None:
        raise ValueError('not a number of cores. Write it as "2" or "500m", in quotes')
    return text


Bytes = Annotated[str, AfterValidator(_bytes)]
Cores = Annotated[str, AfterValidator(_cores)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Toleration(_Part):
    """A taint of nodes that pods of a kind may run on; the fields are Kubernetes'."""

    key: str
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Placement(_Part):
    """On which nodes pods may run."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()


class MachineSize(_Part):
    """One size.

    Attributes:
        cpu: Cores that a run is promised.
        cpu_limit: Cores that it may take; as many as are free where not said.
        memory: What it is promised and may take: a pod that takes more than it was promised is the first to be evicted.
        dataset: The largest dataset, by the size of its files, that a lot on such a machine may hold; any where not
            said.
        placement: Nodes for this size alone.
    """

    cpu: Cores
    cpu_limit: Cores | None = None
    memory: Bytes
    dataset: Bytes | None = None
    placement: Placement = Placement()

    @property
    def memory_bytes(self) -> int:
        """Its memory."""
        return parse_bytes(self.memory)

    @property
    def dataset_bytes(self) -> int | None:
        """The largest dataset it is for, None for any."""
        return None if self.dataset is None else parse_bytes(self.dataset)


class MachineTable(_Part):
    """Every size, and what tells spot machines from others.

    Attributes:
        sizes: All four, each with more memory than the one before.
        spot: Where machines are that may be taken away at any moment.
        regular: Where the others are.
        lots_on_spot: Whether a lot's first runs are put on spot machines.
        recordings_on_spot: The same of recordings.
        others: The size for runs that are neither, such as nightly upkeep and what people launch by hand.
    """

    sizes: dict[SizeName, MachineSize]
    spot: Placement = Placement()
    regular: Placement = Placement()
    lots_on_spot: bool = False
    recordings_on_spot: bool = False
    others: SizeName = "medium"

    @model_validator(mode="after")
    def _complete_and_growing(self) -> Self:
        missing = [name for name in NAMES if name not in self.sizes]
        if missing:
            raise ValueError(f"sizes {', '.join(missing)} are missing. Add them; two sizes may ask for nearly the same")
        for smaller, larger in pairwise(NAMES):
            one, other = self.sizes[smaller], self.sizes[larger]
            if one.memory_bytes >= other.memory_bytes:
                raise ValueError(f"{larger} has no more memory than {smaller}. Each size must have more than the last")
            if one.dataset_bytes is None or (other.dataset_bytes or one.dataset_bytes + 1) <= one.dataset_bytes:
                raise ValueError(f"`dataset` must be given for {smaller} and be larger for {larger}")
        if self.sizes[NAMES[-1]].dataset is not None:
            raise ValueError(f"{NAMES[-1]} takes datasets of any size. Remove its `dataset`")
        return self
