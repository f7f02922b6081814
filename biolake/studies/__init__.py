"""Studies: wearable recordings that become per-subject digital biomarkers, from one configuration document.

A folder per concern, and arrows go one way: `recordings` and `report` -> `catalog`, `processing`, `results` ->
`participants` -> `notifications` -> `configuration` -> `pipeline_files`, `devices`. What several of them share (states,
tables, types, errors) lies beside them; `folder` is all studies of a deployment. Dagster is not here: see
`platform_assets`.
"""
