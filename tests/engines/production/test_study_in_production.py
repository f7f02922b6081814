"""A small study, with the tests of the local deployment unchanged, on S3, PostgreSQL and OpenSearch."""

from tests.study_platform.test_study_changes import (
    test_a_changed_pipeline_makes_its_recordings_stale,
    test_a_locked_study_is_only_cataloged,
    test_nothing_changed_computes_nothing,
    two,
)

__all__ = [
    "test_a_changed_pipeline_makes_its_recordings_stale",
    "test_a_locked_study_is_only_cataloged",
    "test_nothing_changed_computes_nothing",
    "two",
]
