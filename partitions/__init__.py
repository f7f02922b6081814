"""Partition definitions and the spelling of partition keys. What is done with a partition is in `platform_assets`."""
