"""Recordings are partitions: one key per recording of a study, added by its sensor when the catalog finds it ready."""

import re

import dagster as dg


def recordings_of(study: str) -> dg.DynamicPartitionsDefinition:
    """The recordings of one study; a key is `<file type>~<identity>~…`, percent-encoded."""
    return dg.DynamicPartitionsDefinition(name=recordings_name(study))


def recordings_name(study: str) -> str:
    """The name under which Dagster keeps a study's recordings."""
    return f"{group_name(study)}_recordings"


def group_name(study: str) -> str:
    """A study's id as Dagster's names allow it, for its group, jobs and sensor."""
    return "study_" + re.sub(r"[^a-z0-9_]", "_", study.lower())
