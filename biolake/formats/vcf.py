"""Variant Call Format, 4.0 to 4.4, plain, gzip or bgzip: variants are the features, VCF samples the samples.

A record is one feature, whatever number of alternate alleles it has; layer `GT` holds the number of alternate alleles
of each genotype, and each FORMAT field with one number per sample is a layer of its name. BCF is not read. The parts
are in `vcf_header`, `vcf_records`, `vcf_genotypes` and `vcf_genes`. Specification:
https://samtools.github.io/hts-specs/VCFv4.3.pdf
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import Truncated
from biolake.formats.models import Dataset, DenseValues, Finding, Limits, Matrix, Upload
from biolake.formats.registry import Format
from biolake.formats.text import TextReader
from biolake.formats.vcf_genotypes import GENOTYPE, Layers, read_layers
from biolake.formats.vcf_header import Header, read_header
from biolake.formats.vcf_records import Sites

_COLUMN_NAMES = re.compile(rb"(?:##[^\n]*\n)*#CHROM\tPOS\tID\t")
_BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends every bgzip file (SAM specification, section 4.1.2)."""


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is VCF, or a VCF file that lost its first line."""
    return head.startswith(b"##fileformat=VCF") or _COLUMN_NAMES.match(head) is not None


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a VCF file.

    Raises:
        FormatError: As its subclasses say; the message names the line.
    """
    _refuse_cut_bgzip(upload)
    with TextReader(upload.data, upload.name, limit_bytes=limits.memory_bytes) as text:
        header = read_header(text)
        sites = Sites(header, upload.name, memory_bytes=limits.memory_bytes)
        blocks: list[tuple[int, Layers]] = []
        for block in text.blocks():
            lines = block.data.decode().split("\n")
            if lines[-1] == "":
                lines.pop()
            elif lines[-1].count("\t") + 1 < header.columns:
                raise Truncated(
                    f"{upload.name}: the file ends within line {block.first_line + len(lines) - 1}. Upload it again."
                )
            fields = sites.add(lines, block.first_line)
            if header.samples and fields.lines:
                layers = read_layers(fields, header, upload.name)
                blocks.append((len(fields.lines), layers))
                names = {name for _, earlier in blocks for name in earlier.values}
                refuse_too_many_cells(sites.count * len(header.samples) * len(names), upload.name, limits)
    features = sites.features()
    metadata = header.metadata()
    unstored = sorted(frozenset[str]().union(*(layers.unstored for _, layers in blocks)))
    if unstored:
        metadata["format_fields_not_stored"] = unstored
    return Dataset(
        format="vcf",
        accession=None,
        title="",
        summary="",
        organism=header.organisms(),
        data_type=None,
        platform=None,
        metadata=metadata,
        samples=pl.DataFrame({"sample_id": pl.Series(header.samples, dtype=pl.String)}),
        features=features,
        matrices=_matrices(blocks, header),
        findings=(*sites.findings(), *_findings(blocks, features.height)),
    )


def _refuse_cut_bgzip(upload: Upload) -> None:
    """Refuse a bgzip file without its last block: one cut between two blocks looks complete to gzip."""
    with upload.data.open("rb") as file:
        start = file.read(18)
        if not (start.startswith(b"\x1f\x8b\x08\x04") and start[12:14] == b"BC"):
            return
        file.seek(-min(len(_BGZIP_END), file.seek(0, 2)), 2)
        if file.read() != _BGZIP_END:
            raise Truncated(f"{upload.name}: the block that ends a bgzip file is missing. Upload the file again.")


def _matrices(blocks: list[tuple[int, Layers]], header: Header) -> tuple[Matrix, ...]:
    """Join the layers of all blocks, genotypes first; a block without a layer has missing values in it."""
    names = list(dict.fromkeys(name for _, layers in blocks for name in layers.values))
    names.sort(key=lambda name: name != GENOTYPE)
    matrices: list[Matrix] = []
    for name in names:
        parts: list[NDArray[Any]] = []
        for records, layers in blocks:
            part = layers.values.pop(name, None)
            parts.append(np.full((records, len(header.samples)), np.nan) if part is None else part)
        kind = np.float32 if name == GENOTYPE else np.float64
        matrices.append(Matrix(name, DenseValues(np.concatenate(parts, dtype=kind))))
    return tuple(matrices)


def _findings(blocks: list[tuple[int, Layers]], records: int) -> list[Finding]:
    found: list[Finding] = []
    halves = sum(layers.half_calls for _, layers in blocks)
    if halves:
        found.append(
            Finding(
                "HALF_CALLED_GENOTYPE",
                f"Genotypes that lack some of their alleles (0/.) are stored as missing: {halves:,}.",
            )
        )
    if not records:
        found.append(Finding("NO_RECORDS", "The file has a header, but no variant."))
    return found


FORMAT = Format(
    name="vcf",
    title="VCF",
    matches=matches,
    read=read,
    isolated=False,
    extensions=(".vcf",),
)
