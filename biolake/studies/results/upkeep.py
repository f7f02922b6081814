"""Upkeep of a study's tables in the lake: many small files become few, so that reading them stays fast.

Every stored recording adds a file to each table; ten thousand of them would make every look at a study take minutes.
"""

import logging

from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError

from biolake.lake.lake import COMMIT_RETRIES, Lake
from biolake.studies.results.lake_tables import RECORDING_TABLES, current_runs, lake_table, repository

logger = logging.getLogger(__name__)
_MOST_FILES = 40


def compact(lake: Lake, study: str) -> int:
    """Join the small files of a study's tables that have many, and return the number of tables that were joined.

    A table that others are writing to at that moment is left for the next time; nothing is lost.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    runtimes = current_runs(lake, study)["runtime"].unique().sort()
    names = ["runs", *(lake_table(name, runtime) for runtime in runtimes for name in RECORDING_TABLES)]
    joined = 0
    for name in names:
        table = lake.find(repository(study), name)
        if table is None or len(table.file_uris()) <= _MOST_FILES:
            continue
        try:
            table.optimize.compact(commit_properties=CommitProperties(max_commit_retries=COMMIT_RETRIES))
        except CommitFailedError as error:
            logger.info("%s of %s is being written to and stays as it is: %s", name, study, error)
            continue
        joined += 1
    return joined
