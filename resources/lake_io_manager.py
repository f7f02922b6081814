"""Data frames returned by assets, kept as Delta tables in the lake.

dagster-deltalake's own IO manager takes every error on opening a table for its absence and then overwrites without a
predicate (dagster issue 34064); this one uses that package's configuration and `biolake.lake.frames`, where only
"table not found" means absent.
"""

from collections.abc import Mapping

import dagster as dg
import polars as pl
from dagster_deltalake import LocalConfig, S3Config
from pydantic import Field

from biolake.lake.frames import read_frame, write_frame
from biolake.lake.lake import Lake
from biolake.settings import Settings


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores a polars frame as `<lake>/<first key part>/<last key part>`; a partition replaces only its own rows.

    A partitioned asset names the column that holds its partition key in the metadata entry `partition_column`.
    """

    storage: LocalConfig | S3Config = Field(
        default=LocalConfig(),
        discriminator="provider",
        description="dagster-deltalake's storage configuration; the `AWS_*` variables where it is local",
    )

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        """Write the frame and say how many rows the table's new version has."""
        column = (context.definition_metadata or {}).get("partition_column")
        partition: tuple[str, str] | None = None
        if context.has_asset_partitions:
            if not isinstance(column, str):
                raise dg.DagsterInvalidDefinitionError(
                    f"{context.asset_key.to_user_string()} is partitioned: name its column in the metadata entry "
                    "partition_column."
                )
            partition = (column, context.asset_partition_key)
        written = write_frame(
            self._lake(),
            *self._place(context.asset_key),
            obj,
            partition=partition,
            transaction=(f"{context.asset_key.to_user_string()}/{context.run_id}"),
            description=context.step_key,
        )
        context.add_output_metadata({"dagster/row_count": obj.height, "lake_version": written})

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """Read the table, or the rows of the partition that is asked for."""
        column = (
            (context.upstream_output.definition_metadata or {}).get("partition_column")
            if context.upstream_output
            else None
        )
        partition = None
        if context.has_asset_partitions and isinstance(column, str):
            partition = (column, context.asset_partition_key)
        return read_frame(self._lake(), *self._place(context.asset_key), partition=partition)

    def _lake(self) -> Lake:
        options: Mapping[str, str] | None = None
        if isinstance(self.storage, S3Config):
            options = self.storage.str_dict()
        return Lake(Settings.from_environment().lake, options)

    @staticmethod
    def _place(key: dg.AssetKey) -> tuple[str, str]:
        return key.path[0], key.path[-1]
