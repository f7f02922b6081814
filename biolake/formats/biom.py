"""BIOM: tables of biological observations (taxa, genes, pathways) by sample, as of microbiome studies.

Observations become features, their taxonomy one text with `; ` between ranks. The two encodings are read in
`biolake.formats.biom_json` (version 1) and `biolake.formats.biom_hdf5` (version 2). Format: https://biom-format.org
"""

from pathlib import Path

from biolake.formats.annotations import with_symbol
from biolake.formats.biom_hdf5 import read_hdf5
from biolake.formats.biom_json import read_json
from biolake.formats.hdf5 import is_kind
from biolake.formats.models import Dataset, Limits, Matrix, Upload
from biolake.formats.registry import HDF5_SIGNATURE, Format

LAYER = "values"

_NO_IDS = frozenset({"None", "No Table ID", "null"})
_ADDRESSES = (b"biom-format.org", b"Biological Observation Matrix")
_KEYS = (b'"matrix_type"', b'"matrix_element_type"')


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is a BIOM table, in JSON or in HDF5."""
    if head.lstrip().startswith(b"{"):
        return any(address in head for address in _ADDRESSES) or all(key in head for key in _KEYS)
    return is_kind(path, head, "biom")


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a BIOM table.

    Raises:
        FormatError: The file is damaged, harmful, or inconsistent.
    """
    with upload.data.open("rb") as file:
        is_hdf5 = file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE
    content = (read_hdf5 if is_hdf5 else read_json)(upload.data, upload.name, limits)
    about = dict(content.about)
    identifier = about.pop("id", None)
    return Dataset(
        format=FORMAT.name,
        accession=None if identifier in _NO_IDS else identifier,
        title="",
        summary="",
        organism=(),
        data_type=about.pop("type", None),
        platform=None,
        samples=content.samples,
        features=with_symbol(content.observations),
        matrices=(Matrix(LAYER, content.values),),
        metadata={f"biom_{key}": value for key, value in about.items()},
        findings=content.findings,
    )


FORMAT = Format(
    name="biom",
    title="BIOM",
    matches=matches,
    read=read,
    isolated=True,
    extensions=(".biom",),
)
