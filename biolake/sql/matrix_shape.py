"""Turns a result that has the shape of a matrix into an AnnData: observations are samples, variables are features."""

from typing import TYPE_CHECKING, Any

from biolake.sql.errors import NotAMatrix

if TYPE_CHECKING:
    import anndata
    import pyarrow as pa

    from biolake.sql.result import QueryResult

_NOT_SAMPLES = frozenset({"feature_id", "rid", "layer"})


def to_anndata(result: "QueryResult") -> "anndata.AnnData":
    """Return a result as an AnnData of samples x features.

    Two shapes are taken:

    - wide, as `SELECT * FROM data_matrices.<repository>__<dataset_id>` gives it: `feature_id` (or `rid`), at most one
      `layer`, and one numeric column per sample;
    - long, as `SELECT * FROM <repository>.matrix_long` gives it: `feature_id`, `sample_id`, `value`, and where wanted
      `dataset_id` and `layer`. Samples of several datasets are called `<dataset_id>:<sample_id>` and carry
      `obs['dataset_id']`; what a dataset did not measure is missing (NaN).

    Several layers become `layers`; the first one, in the order of rows, is also `X`.

    Raises:
        NotAMatrix: The result has neither shape, or a value is there twice.
    """
    names = set(result.table.column_names)
    if result.truncated:
        raise NotAMatrix("the result was cut, so the matrix would have holes. Select less or raise max_rows.")
    if {"feature_id", "sample_id", "value"} <= names:
        return _from_long(result.table)
    if names & {"feature_id", "rid"} and len(names - _NOT_SAMPLES) > 0:
        return _from_wide(result.table)
    raise NotAMatrix(
        "a matrix has feature_id and one numeric column per sample, or feature_id, sample_id and value; this one has "
        f"{', '.join(result.table.column_names)}. Select from data_matrices.<repository>__<dataset_id> or matrix_long."
    )


def _from_wide(table: "pa.Table") -> "anndata.AnnData":
    import numpy as np
    import pyarrow as pa

    key = "feature_id" if "feature_id" in table.column_names else "rid"
    samples = [name for name in table.column_names if name not in _NOT_SAMPLES]
    for name in samples:
        kind = table.schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            raise NotAMatrix(f"column {name} is not numeric ({kind}). Select feature_id and the samples' columns only.")
    columns = [table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in samples]
    values = np.column_stack(columns) if columns else np.empty((table.num_rows, 0))
    layers = table.column("layer").to_pylist() if "layer" in table.column_names else [None] * table.num_rows
    features, names = table.column(key).to_pylist(), list(dict.fromkeys(layers))
    order = {feature: index for index, feature in enumerate(dict.fromkeys(features))}
    filled: dict[Any, np.ndarray] = {}
    for layer in names:
        rows = [index for index, found in enumerate(layers) if found == layer]
        places = [order[features[index]] for index in rows]
        if len(set(places)) < len(places):
            raise NotAMatrix(
                "a feature is there twice. Select one dataset and, where it has several, the layer column."
            )
        filled[layer] = np.full((len(samples), len(order)), np.nan)
        filled[layer][:, places] = values[rows].T
    return _assemble(filled, samples, list(order), None)


def _from_long(table: "pa.Table") -> "anndata.AnnData":
    import numpy as np
    import pyarrow as pa

    datasets = table.column("dataset_id").to_pylist() if "dataset_id" in table.column_names else None
    several = datasets is not None and len(set(datasets)) > 1
    samples = table.column("sample_id").to_pylist()
    if several and datasets is not None:
        samples = [f"{dataset}:{sample}" for dataset, sample in zip(datasets, samples, strict=True)]
    features = table.column("feature_id").to_pylist()
    layers = table.column("layer").to_pylist() if "layer" in table.column_names else [None] * table.num_rows
    values = table.column("value").cast(pa.float64()).to_numpy(zero_copy_only=False)
    rows = {sample: index for index, sample in enumerate(dict.fromkeys(samples))}
    columns = {feature: index for index, feature in enumerate(dict.fromkeys(features))}
    if len(set(zip(samples, features, layers, strict=True))) < len(samples):
        raise NotAMatrix("a value is there twice for a sample and feature. Select dataset_id and layer as well.")
    at_row = np.fromiter((rows[sample] for sample in samples), int, len(samples))
    at_column = np.fromiter((columns[feature] for feature in features), int, len(features))
    filled: dict[Any, np.ndarray] = {}
    for layer in dict.fromkeys(layers):
        chosen = np.fromiter((found == layer for found in layers), bool, len(layers))
        filled[layer] = np.full((len(rows), len(columns)), np.nan)
        filled[layer][at_row[chosen], at_column[chosen]] = values[chosen]
    origin = dict(zip(samples, datasets, strict=True)) if datasets is not None else None
    return _assemble(filled, list(rows), list(columns), origin)


def _assemble(
    filled: dict[Any, Any], samples: list[str], features: list[str], origin: dict[str, str] | None
) -> "anndata.AnnData":
    import anndata
    import numpy as np
    import pandas as pd

    observations = pd.DataFrame(index=pd.Index([str(s) for s in samples], dtype=object))
    if origin is not None:
        observations["dataset_id"] = [origin[sample] for sample in samples]
    variables = pd.DataFrame(index=pd.Index([str(f) for f in features], dtype=object))
    first = next(iter(filled.values()), np.empty((len(samples), len(features))))
    layers = {str(name): values for name, values in filled.items() if name is not None} if len(filled) > 1 else {}
    return anndata.AnnData(X=first, obs=observations, var=variables, layers=layers)
