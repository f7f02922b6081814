"""What a 10x file holds, before it becomes a dataset in `biolake.formats.tenx`."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from biolake.formats.models import Finding, SparseValues
from biolake.formats.sparse_blocks import SparseBlocks


@dataclass(frozen=True)
class GenomeCounts:
    """The counts of one genome, or of a file that does not part them.

    Attributes:
        genome: Its name, empty where the file does not say.
        barcodes: One per sample, in the matrix's order.
        features: `feature_id`, `symbol`, annotations; in the matrix's order.
        counts: Features x samples.
    """

    genome: str
    barcodes: list[str]
    features: pl.DataFrame
    counts: SparseValues | SparseBlocks


@dataclass(frozen=True)
class TenxContent:
    """Everything that is read of one file or folder: at least one genome, and what it says of itself."""

    genomes: tuple[GenomeCounts, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
