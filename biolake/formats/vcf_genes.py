"""The gene that a variant lies in, as SnpEff (ANN, EFF) or Ensembl VEP (CSQ) have written it into INFO.

Specifications: https://pcingola.github.io/SnpEff/adds/VCFannotationformat_v1.0.pdf and
https://www.ensembl.org/info/docs/tools/vep/vep_formats.html.
"""

import re
from collections.abc import Iterator

from biolake.formats.vcf_header import Header

_OUTSIDE_GENES = frozenset({"upstream_gene_variant", "downstream_gene_variant", "upstream", "downstream"})
_BETWEEN_GENES = frozenset({"intergenic_region", "intergenic_variant", "intergenic"})
_SNPEFF_OLD = re.compile(r"([A-Za-z0-9_&+\[\]]+)\(([^()]*)\)")


class GeneNames:
    """Finds gene symbols in the annotations that a header declares."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._places: dict[str, tuple[int, int]] = {}
        for key, effect, gene in (("ANN", "Annotation", "Gene_Name"), ("CSQ", "Consequence", "SYMBOL")):
            names = header.subfields(key)
            if effect in names and gene in names:
                self._places[key] = (names.index(effect), names.index(gene))
        names = header.subfields("EFF")
        # The first name stands before the parenthesis: `Effect ( Effect_Impact | … | Gene_Name | … )`.
        self._old_place = names.index("Gene_Name") if "Gene_Name" in names else None

    def symbol(self, info: dict[str, str]) -> str | None:
        """Return the one gene that the variant lies in, else the one it lies near; None where several do, or none."""
        inside: set[str] = set()
        near: set[str] = set()
        for effect, gene in self._entries(info):
            effects = set(effect.lower().split("&"))
            if gene and not effects & _BETWEEN_GENES:
                (near if effects <= _OUTSIDE_GENES else inside).add(gene)
        genes = inside or near
        return genes.pop() if len(genes) == 1 else None

    def _entries(self, info: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Yield effect and gene of each annotation."""
        for key, (effect, gene) in self._places.items():
            for entry in info.get(key, "").split(","):
                parts = entry.split("|")
                if len(parts) > max(effect, gene):
                    yield parts[effect].strip(), parts[gene].strip()
        if self._old_place is not None:
            for effect, inner in _SNPEFF_OLD.findall(info.get("EFF", "")):
                parts = inner.split("|")
                if len(parts) > self._old_place:
                    yield effect, parts[self._old_place].strip()
