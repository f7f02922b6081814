"""Tables of AnnData files (obs, var) in the three ways that versions of anndata have written them.

Since 0.8 a column is a dataset or a group that says its encoding; in 0.7 categories lie in `__categories`; before that
a table is one compound dataset, its categories in `uns`. Format: the on-disk specification of anndata.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import h5py
import numpy as np
import polars as pl

from biolake.formats.annotations import normalized
from biolake.formats.checks import listing
from biolake.formats.errors import DimensionsDiffer, MalformedFile
from biolake.formats.hdf5_values import as_text, attribute_text, content, dataset_at, member, names_in, numbers, texts
from biolake.formats.models import Finding

_SYMBOL_COLUMNS = (
    "symbol",
    "gene_symbol",
    "gene_symbols",
    "feature_name",
    "gene_name",
    "gene_names",
    "gene_short_name",
    "hgnc_symbol",
)
_LEGACY_INDEX = ("index", "_index")
_ONTOLOGY_OF_COLUMN = {
    "assay_ontology_term_id": ("EFO",),
    "cell_type_ontology_term_id": ("CL", "WBbt", "ZFA", "FBbt"),
    "disease_ontology_term_id": ("MONDO", "PATO"),
    "organism_ontology_term_id": ("NCBITaxon",),
    "sex_ontology_term_id": ("PATO",),
    "self_reported_ethnicity_ontology_term_id": ("HANCESTRO", "AfPO"),
    "development_stage_ontology_term_id": ("HsapDv", "MmusDv", "UBERON", "WBls", "ZFS", "FBdv"),
    "tissue_ontology_term_id": ("UBERON", "CL", "CVCL", "WBbt", "ZFA", "FBbt"),
}
_SEVEN_DIGITS = frozenset({"EFO", "CL", "MONDO", "PATO", "AfPO", "HsapDv", "MmusDv", "UBERON"})
_TERM = re.compile(r"(?P<ontology>[A-Za-z]+)[:_](?P<number>\w+)")
_NO_TERM = frozenset({"unknown", "na", "multiethnic"})


@dataclass(frozen=True)
class Table:
    """A table's index, its other columns, and what of it could not be kept."""

    index: list[str]
    frame: pl.DataFrame
    findings: tuple[Finding, ...]

    def with_index(self, column: str, place: str) -> tuple[pl.DataFrame, list[Finding]]:
        """Return the table with its index as the first column, and a finding where a column had to give up its name."""
        frame = self.frame
        findings: list[Finding] = []
        if column in frame.columns:
            new = f"{place}_{column}"
            while new in frame.columns:
                new += "_"
            frame = frame.rename({column: new})
            findings.append(Finding("COLUMN_RENAMED", f"{place}/{column} is stored as {new}."))
        index = pl.Series(column, self.index, dtype=pl.String)
        return pl.DataFrame([index, *frame.get_columns()]), findings


def read_table(file: h5py.Group, place: str, categories: Mapping[str, Sequence[str]], name: str) -> Table:
    """Read a table: numbers stay numbers, categories become text, missing values null.

    Args:
        file: The group that holds the table.
        place: The table's name there.
        categories: Categories by column, for the oldest versions.
        name: The file's name in messages.

    Raises:
        MalformedFile: It is no table.
        DimensionsDiffer: Its columns differ in length.
        NotText: A text that is not UTF-8.
    """
    item = member(file, place, name)
    if isinstance(item, h5py.Dataset):
        return _compound(item, place, categories, name)
    index_name = attribute_text(item, "_index", name) or "_index"
    index = texts(dataset_at(item, index_name, name), name)
    order = item.attrs.get("column-order")
    columns = [as_text(c, place, name) for c in np.asarray(order).ravel().tolist()] if order is not None else []
    columns += [column for column in names_in(item) if column not in (*columns, index_name, "__categories")]
    if len(set(columns)) != len(columns):
        raise MalformedFile(f"{name}: {place} names a column twice in its column-order. Write the file anew.")
    series: list[pl.Series] = []
    left_out: list[str] = []
    for column in columns:
        values = _column(item, column, name)
        if values is None:
            left_out.append(column)
        elif len(values) != len(index):
            raise DimensionsDiffer(
                f"{name}: {place}/{column} has {len(values):,} values for {len(index):,} rows. Write the file anew."
            )
        else:
            series.append(values)
    return Table(index, pl.DataFrame(series), _columns_left_out(place, left_out))


def with_symbols(features: pl.DataFrame) -> pl.DataFrame:
    """Return features whose column of gene symbols, where a usual one exists, is called `symbol`."""
    for column in _SYMBOL_COLUMNS:
        for found in features.columns[1:]:
            if normalized(found) == column and features[found].dtype == pl.String:
                if found != "symbol" and "symbol" in features.columns:
                    features = features.rename({"symbol": "symbol_"})
                return features.rename({found: "symbol"}).select(
                    "feature_id", "symbol", pl.exclude("feature_id", "symbol")
                )
    return features.rename({"symbol": "symbol_"}) if "symbol" in features.columns else features


def single_value(frame: pl.DataFrame, column: str) -> str | None:
    """Return the text that all rows share in a column, None where they do not."""
    if column not in frame.columns or frame[column].dtype != pl.String:
        return None
    values = frame[column].drop_nulls().unique()
    return values.item() if len(values) == 1 else None


def annotation_findings(frame: pl.DataFrame) -> list[Finding]:
    """Find values of CELLxGENE's ontology columns that cannot be terms of the column's ontology.

    Whether a well-formed term exists is for curation to say; here only its form is looked at.
    """
    findings: list[Finding] = []
    for column, ontologies in _ONTOLOGY_OF_COLUMN.items():
        if column not in frame.columns or frame[column].dtype != pl.String:
            continue
        values = frame[column].drop_nulls().unique(maintain_order=True).to_list()
        wrong = [
            value for value in values if not all(_may_be_term(t, ontologies) for t in re.split(r",| \|\| ", value))
        ]
        if wrong:
            findings.append(
                Finding("NOT_AN_ONTOLOGY_TERM", f"{column}: {listing(wrong)} cannot be of {' or '.join(ontologies)}.")
            )
    return findings


def _may_be_term(value: str, ontologies: Sequence[str]) -> bool:
    value = value.strip()
    if value in _NO_TERM:
        return True
    term = _TERM.fullmatch(value)
    if term is None or term["ontology"] not in ontologies:
        return False
    return term["ontology"] not in _SEVEN_DIGITS or (len(term["number"]) == 7 and term["number"].isdigit())


def _column(table: h5py.Group, column: str, name: str) -> pl.Series | None:
    """Return a column, None where its kind has no place in a table."""
    item = member(table, column, name)
    if isinstance(item, h5py.Group):
        if {"codes", "categories"} <= set(item):
            codes = numbers(dataset_at(item, "codes", name), name)
            return _categorical(column, codes, texts(dataset_at(item, "categories", name), name), name)
        if {"values", "mask"} <= set(item):
            return _masked(column, item, name)
        return None
    if item.ndim != 1:
        return None
    # The reference to the categories could point anywhere; their name is fixed.
    if isinstance(item.attrs.get("categories"), h5py.Reference):
        categories = texts(dataset_at(table, f"__categories/{column}", name), name)
        return _categorical(column, numbers(item, name), categories, name)
    return _plain(column, item, name)


def _plain(column: str, item: h5py.Dataset, name: str) -> pl.Series | None:
    if item.dtype.kind in "fiub":
        return _without_nan(pl.Series(column, numbers(item, name)))
    if item.dtype.kind in "OS":
        if h5py.check_string_dtype(item.dtype) is None:
            return None
        return pl.Series(column, texts(item, name), dtype=pl.String)
    return None


def _masked(column: str, item: h5py.Group, name: str) -> pl.Series | None:
    values = _plain(column, dataset_at(item, "values", name), name)
    mask = numbers(dataset_at(item, "mask", name), name).astype(bool)
    if values is None:
        return None
    if len(values) != len(mask):
        raise DimensionsDiffer(
            f"{name}: {item.name} has {len(values):,} values and {len(mask):,} marks of missing ones."
        )
    return pl.select(pl.when(pl.Series(~mask)).then(values).alias(column)).to_series()


def _categorical(column: str, codes: np.ndarray, categories: Sequence[str], name: str) -> pl.Series:
    codes = codes.astype(np.int64)
    if len(codes) and int(codes.max()) >= len(categories):
        raise MalformedFile(
            f"{name}: {column} has code {int(codes.max())} and {len(categories)} categories. Write the file anew."
        )
    return pl.Series(column, [categories[code] if code >= 0 else None for code in codes.tolist()], dtype=pl.String)


def _compound(item: h5py.Dataset, place: str, categories: Mapping[str, Sequence[str]], name: str) -> Table:
    records = np.atleast_1d(np.asarray(content(item, name)))
    columns = records.dtype.names
    if not columns or records.ndim != 1:
        raise MalformedFile(f"{name}: {place} is no table. Write the file anew with a recent anndata.")
    index_name = next((column for column in _LEGACY_INDEX if column in columns), columns[0])
    index = [as_text(value, f"{place}/{index_name}", name) for value in records[index_name].tolist()]
    series: list[pl.Series] = []
    left_out: list[str] = []
    for column in columns:
        values = records[column]
        if column == index_name:
            continue
        if values.ndim != 1 or values.dtype.kind not in "fiubSO":
            left_out.append(column)
        elif column in categories and values.dtype.kind in "iu":
            series.append(_categorical(column, values, categories[column], name))
        elif values.dtype.kind in "SO":
            series.append(pl.Series(column, [as_text(v, f"{place}/{column}", name) for v in values.tolist()]))
        else:
            native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
            series.append(_without_nan(pl.Series(column, native)))
    return Table(index, pl.DataFrame(series), _columns_left_out(place, left_out))


def _without_nan(values: pl.Series) -> pl.Series:
    """A number that is missing is null in every table, however its file marks it."""
    return values.fill_nan(None) if values.dtype.is_float() else values


def _columns_left_out(place: str, columns: Sequence[str]) -> tuple[Finding, ...]:
    if not columns:
        return ()
    return (Finding("COLUMN_NOT_STORED", f"{place}: {listing(columns)} are neither numbers, texts nor categories."),)
