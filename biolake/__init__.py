"""Everything the platform knows how to do with datasets and recordings.

The library imports no Dagster: assets, resources and sensors live in the packages beside it and call it.
Nothing happens at import: no network, no environment, no heavy library.
"""
