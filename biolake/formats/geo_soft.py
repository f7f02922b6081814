"""GEO SOFT files: which dataset, if any, the entities of a file describe.

A curated dataset (GDS) is assembled in `biolake.formats.geo_soft_dataset`, a series with its samples or samples alone
in `biolake.formats.geo_soft_family`; lines are cut into entities in `biolake.formats.geo_soft_entities`.
"""

from pathlib import Path

from biolake.formats.errors import NotADataset
from biolake.formats.geo_soft_dataset import curated_dataset
from biolake.formats.geo_soft_entities import SoftEntity, read_entities
from biolake.formats.geo_soft_family import family_dataset
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.registry import Format
from biolake.formats.text import TextReader

NAME = "geo_soft"


def matches(path: Path, head: bytes) -> bool:
    """Whether the content begins with a SOFT entity."""
    return (
        head.lstrip(b"\r\n")[:11]
        .lower()
        .startswith((b"^database", b"^series", b"^platform", b"^sample", b"^dataset", b"^subset", b"^annotation"))
    )


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a curated dataset (GDS), a series family or samples (GSM) in SOFT.

    Raises:
        NotADataset: The file describes a platform only, or several series.
        SeveralPlatforms: The samples were measured on several platforms.
        FormatError: The file breaks the format.
    """
    with TextReader(upload.data, upload.name, limit_bytes=limits.memory_bytes) as text:
        entities = list(read_entities(text, limits))
    of_kind = _Kinds(entities)
    if of_kind["dataset"]:
        return curated_dataset(NAME, upload.name, of_kind["dataset"], of_kind["subset"])
    series, samples, platforms = of_kind["series"], of_kind["sample"], of_kind["platform"]
    if len(series) > 1:
        raise NotADataset(
            f"{upload.name}: the file holds {len(series):,} series ({series[0].accession}, {series[1].accession}"
            f"{', ...' if len(series) > 2 else ''}). Upload each series as a file of its own."
        )
    if not series and not samples:
        kinds = ", ".join(dict.fromkeys(entity.kind for entity in entities))
        raise NotADataset(
            f"{upload.name}: the file describes no samples ({kinds} only): a platform's annotation is no dataset. "
            "Upload the series (GSE), dataset (GDS) or sample (GSM) instead."
        )
    return family_dataset(NAME, upload.name, series[0] if series else None, samples, platforms)


class _Kinds(dict[str, list[SoftEntity]]):
    """Entities by kind; a kind that the file lacks is empty."""

    def __init__(self, entities: list[SoftEntity]) -> None:
        super().__init__()
        for entity in entities:
            self.setdefault(entity.kind, []).append(entity)

    def __missing__(self, kind: str) -> list[SoftEntity]:
        return []


FORMAT = Format(
    name=NAME,
    title="GEO SOFT",
    matches=matches,
    read=read,
    isolated=False,
    extensions=(".soft",),
)
