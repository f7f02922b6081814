"""What an mwTab file says, whether it is written as text or as JSON, before it becomes a dataset.

The two spellings are read in `mwtab_text` and `mwtab_json`, the dataset is made in `mwtab`. Specification:
https://www.metabolomicsworkbench.org/data/mwTab_specification.pdf
"""

import re
from dataclasses import dataclass, field

from biolake.formats.errors import DuplicateSampleId, MalformedFile

IDENTITY = "METABOLOMICS WORKBENCH"
FACTORS = "SUBJECT_SAMPLE_FACTORS"
MEASUREMENTS = ("MS_METABOLITE_DATA", "NMR_METABOLITE_DATA", "NMR_BINNED_DATA")
NOT_GIVEN = ("", "-")

_SEPARATOR = re.compile(r"\s*\|\s+")


@dataclass(frozen=True)
class Row:
    """One row of a table: where it stands, for messages, and its cells, the first of which names it."""

    place: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with its column names, the first of which is that of the names."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sample:
    """One line of SUBJECT_SAMPLE_FACTORS."""

    place: str
    sample_id: str
    subject_id: str | None
    factors: dict[str, str]
    additional: dict[str, str]


@dataclass
class Analysis:
    """One analysis of a study, as the file tells it.

    Attributes:
        sections: Name of each descriptive section (PROJECT, STUDY, MS …) to its fields.
        samples: By sample id, in the file's order.
        kind: Which of `MEASUREMENTS` the file holds, None where it holds none.
        units: Of the measurements.
        data: One row per metabolite (or bin), one column per sample.
        metabolites: One row per metabolite with its annotations.
        extended: Whether there is a table of further values per metabolite and sample, which is not read.
        unended: Whether the line that ends a text file is missing.
    """

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    kind: str | None = None
    units: str | None = None
    data: Table | None = None
    metabolites: Table | None = None
    extended: bool = False
    unended: bool = False

    def said(self, section: str, key: str) -> str | None:
        """Return a field of a section, None where the file does not give it."""
        text = self.sections.get(section, {}).get(key, "").strip()
        return None if text in NOT_GIVEN else text


def parse_factors(text: str, place: str) -> dict[str, str]:
    """Return the factors in `Diet:Ad lib | Age:12`.

    Raises:
        MalformedFile: A factor without a name, or two with one name.
    """
    factors: dict[str, str] = {}
    if text.strip() in NOT_GIVEN:
        return factors
    for item in _SEPARATOR.split(text.strip()):
        key, colon, value = item.partition(":")
        if not colon or not key.strip():
            raise MalformedFile(f"{place}: the factor {item[:60]!r} is not written NAME:VALUE. Correct it.")
        put(factors, key.strip(), value.strip(), place)
    return factors


def parse_additional(text: str, place: str) -> dict[str, str]:
    """Return the items in `RAW_FILE_NAME=a.raw; Batch=2`.

    Raises:
        MalformedFile: An item without a name, or two with one name.
    """
    additional: dict[str, str] = {}
    if text.strip() in NOT_GIVEN:
        return additional
    for item in re.split(r";\s+", text.strip().rstrip(";")):
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise MalformedFile(f"{place}: the additional sample data {item[:60]!r} are not NAME=VALUE. Correct them.")
        put(additional, key.strip(), value.strip(), place)
    return additional


def put(items: dict[str, str], key: str, value: str, place: str) -> None:
    """Add an item whose name must be new.

    Raises:
        MalformedFile: The name is there with another value.
    """
    if items.setdefault(key, value) != value:
        raise MalformedFile(f"{place}: {key[:60]!r} is given twice, as {items[key][:40]!r} and {value[:40]!r}.")


def add_sample(analysis: Analysis, sample: Sample) -> None:
    """Add a sample; a line that repeats an earlier one adds nothing.

    Raises:
        MalformedFile: The sample has no id.
        DuplicateSampleId: The id is there with other factors.
    """
    if not sample.sample_id:
        raise MalformedFile(f"{sample.place}: the sample has no id. Name it, then upload again.")
    earlier = analysis.samples.setdefault(sample.sample_id, sample)
    if (earlier.subject_id, earlier.factors, earlier.additional) != (
        sample.subject_id,
        sample.factors,
        sample.additional,
    ):
        raise DuplicateSampleId(
            f"{sample.place}: sample {sample.sample_id} is described twice, and differently. Keep one of them."
        )
