"""The header of a VCF file: its version, what its fields mean, and the names of its samples.

Records are read in `biolake.formats.vcf_records`. Specification: https://samtools.github.io/hts-specs/VCFv4.3.pdf,
section 1.4; versions 4.0 to 4.4 are alike in what this module reads.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from biolake.formats.checks import refuse_duplicates
from biolake.formats.errors import DuplicateSampleId, MalformedFile, Truncated, WrongFormat
from biolake.formats.text import TextReader, identifier

VERSIONS = ("VCFv4.0", "VCFv4.1", "VCFv4.2", "VCFv4.3", "VCFv4.4")
SITE_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")

_KINDS = ("INFO", "FORMAT", "FILTER", "ALT", "contig")
_FIELD = re.compile(r'([^=,"<>\s]+)=("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)')
_LOOSE_DESCRIPTION = re.compile(r'^(.*?)Description="(.*)"\s*$')
_RESERVED_NUMERIC = frozenset({"DP", "GQ", "MQ", "PQ", "PS"})
"""FORMAT keys that the specification (table 2) declares as one Integer; old files use them without declaring them."""


@dataclass(frozen=True)
class Header:
    """What precedes the records.

    Attributes:
        version: As the first line spells it (`VCFv4.2`).
        definitions: By kind (INFO, FORMAT, FILTER, ALT, contig) and ID, the fields of each structured line.
        others: All other lines by their key, in order; several lines may have one key.
        samples: Names in the order of their columns.
        columns: Number of columns that each record must have.
    """

    version: str
    samples: tuple[str, ...]
    columns: int
    definitions: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)

    def one_number(self, key: str) -> bool:
        """Whether a FORMAT key stands for one number per sample."""
        definition = self.definitions.get("FORMAT", {}).get(key)
        if definition is None:
            return key in _RESERVED_NUMERIC
        return definition.get("Number") == "1" and definition.get("Type") in ("Integer", "Float")

    def subfields(self, info_key: str) -> list[str]:
        """Return the names of an annotation's `|`-separated parts, as its description tells them; empty if it does not.

        VEP writes `Format: Allele|Consequence|SYMBOL` and SnpEff `'Allele | Annotation | …'` into the description.
        """
        description = self.definitions.get("INFO", {}).get(info_key, {}).get("Description", "")
        first, *others = description.split("|")
        if not others:
            return []
        return [name.strip(" '\"[]()") for name in (re.split(r"[:'\"(]", first)[-1], *others)]

    def organisms(self) -> tuple[str, ...]:
        """Return the species that the contig lines name, each once."""
        species = (contig.get("species") for contig in self.definitions.get("contig", {}).values())
        return tuple(dict.fromkeys(name for name in species if name))

    def metadata(self) -> dict[str, Any]:
        """Return the header as JSON types."""
        listed = {kind: [{"ID": id, **fields} for id, fields in ids.items()] for kind, ids in self.definitions.items()}
        single = {key: values[0] if len(values) == 1 else values for key, values in self.others.items()}
        return {**single, **listed, "fileformat": self.version}


def read_header(text: TextReader) -> Header:
    """Read up to and including the line of column names.

    Raises:
        WrongFormat: The first line is not that of a VCF file of a version that is read.
        Truncated: The file ends within the header.
        MalformedFile: A line of the header breaks the specification.
        DuplicateSampleId: Two columns have one name.
    """
    version = _version(text)
    definitions: dict[str, dict[str, dict[str, str]]] = {}
    others: dict[str, list[str]] = {}
    while (line := text.line()) is not None:
        if not line.startswith("##"):
            samples = _samples(line, text)
            columns = len(line.split("\t"))
            return Header(version, samples, columns, definitions, others)
        key, equals, value = line[2:].partition("=")
        if not equals:
            # Free text behind ## breaks the specification, but loses nothing when it is kept as it is.
            others.setdefault("comments", []).append(line[2:])
        elif key in _KINDS:
            fields = _structured(value, text)
            definitions.setdefault(key, {}).setdefault(fields.pop("ID"), fields)
        else:
            others.setdefault(key, []).append(value)
    raise Truncated(f"{text.name}: the file ends before the line #CHROM with the column names. Upload it again.")


def _version(text: TextReader) -> str:
    line = text.line() or ""
    version = line.removeprefix("##fileformat=").strip()
    if not line.startswith("##fileformat=") or not version.startswith("VCF"):
        raise WrongFormat(
            f"{text.name}: line 1 is {line[:60]!r}, a VCF file begins with ##fileformat=VCFv4.2 (or 4.0 to 4.4). "
            "Restore the line if the file is VCF."
        )
    if version not in VERSIONS:
        raise WrongFormat(
            f"{text.name}: line 1 declares {version[:20]!r}; {', '.join(VERSIONS)} are read. "
            "Write the file in one of these versions and upload it again."
        )
    return version


def _structured(value: str, text: TextReader) -> dict[str, str]:
    """Return the fields of `<ID=DP,Number=1,Type=Integer,Description="…">`."""
    body = value.strip()
    place = f"{text.name}: line {text.line_number}"
    if not (body.startswith("<") and body.endswith(">")):
        raise MalformedFile(f"{place}: {body[:60]!r} is not <ID=…,…>. Correct the header line.")
    body = body[1:-1]
    fields: dict[str, str] = {}
    # Some tools write quotation marks within a description without escaping them; it then extends to the last one.
    loose = _LOOSE_DESCRIPTION.match(body)
    if loose is not None and not _is_listed(body):
        fields["Description"] = loose[2]
        body = loose[1].removesuffix(",")
    if not _is_listed(body):
        raise MalformedFile(f"{place}: <{body[:60]}> is no list of KEY=value. Correct the header line.")
    for key, item in _FIELD.findall(body):
        quoted = item.startswith('"')
        fields[key] = re.sub(r"\\(.)", r"\1", item[1:-1]) if quoted else item
    if not fields.get("ID"):
        raise MalformedFile(f"{place}: the line names no ID. Correct the header line.")
    return fields


def _is_listed(body: str) -> bool:
    position = 0
    while position < len(body):
        match = _FIELD.match(body, position)
        if match is None:
            return False
        position = match.end()
    return position > 0


def _samples(line: str, text: TextReader) -> tuple[str, ...]:
    names = line.split("\t")
    place = f"{text.name}: line {text.line_number}"
    if tuple(names[:8]) != SITE_COLUMNS or (len(names) > 8 and names[8] != "FORMAT"):
        separated = " The columns must be separated by tabs." if "\t" not in line and " " in line else ""
        raise MalformedFile(
            f"{place}: {line[:60]!r} is not the line of column names #CHROM, POS, … INFO and, with samples, FORMAT."
            f"{separated} Correct the header."
        )
    samples = [identifier(name) for name in names[9:]]
    if "" in samples:
        raise MalformedFile(
            f"{place}: column {10 + samples.index('')} has no sample name. Name it, or remove the tab too many."
        )
    refuse_duplicates(samples, text.name, DuplicateSampleId)
    return tuple(samples)
