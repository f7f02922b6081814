"""Studies: wearable recordings that become per-subject digital biomarkers, from one configuration document.

Here are the configuration and its checks, the catalog of files with their states, participants and requirements, and
(in their own modules) the devices, runtimes, runner, results and report. Dagster is not here: see `platform_assets`.
"""
