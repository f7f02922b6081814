"""The main job, with the tests of the local deployment unchanged, on S3, PostgreSQL and OpenSearch."""

from tests.platform.conftest import Deployment, matrix_csv
from tests.platform.test_journey import (
    test_a_deleted_dataset_is_gone_everywhere,
    test_an_update_replaces_all_levels_at_once,
    test_an_upload_is_stored_checked_and_indexed,
)
from tests.platform.test_rebuild_command import test_a_command_fills_the_index_anew_while_it_serves

__all__ = [
    "test_a_command_fills_the_index_anew_while_it_serves",
    "test_a_deleted_dataset_is_gone_everywhere",
    "test_an_update_replaces_all_levels_at_once",
    "test_an_upload_is_stored_checked_and_indexed",
]


def test_the_same_bytes_again_are_no_news(deployment: Deployment) -> None:
    # A folder tells that a file was written anew; a listing of S3 gives the same etag, so there is not even a job.
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.drive()
    lot, versions = deployment.shown()["D1"], deployment.versions()
    deployment.put("lab/D1.csv", matrix_csv())
    assert deployment.drive() == []
    assert deployment.versions() == versions
    assert deployment.shown() == {"D1": lot}
    assert deployment.reconciled().differences == ()
