"""Questions to every engine of a deployment, and what to do about the answers. Dagster's are in `platform_assets`."""
