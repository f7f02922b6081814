"""Datasets are partitioned by lot: one key per lot of a repository, added by its arrival sensor."""

import dagster as dg


def lots_of(repository: str) -> dg.DynamicPartitionsDefinition:
    """The lots of one repository; a key is `<time in UTC>-<hash of the manifest>` and sorts by time."""
    return dg.DynamicPartitionsDefinition(name=lots_name(repository))


def lots_name(repository: str) -> str:
    """The name under which Dagster keeps a repository's lots."""
    return f"{repository}_lots"
