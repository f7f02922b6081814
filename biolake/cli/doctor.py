"""`biolake doctor`: every engine of the deployment, and what to do about it."""

from dataclasses import asdict

import typer

from biolake.cli.dagster import quieten
from biolake.cli.output import AsJson, err, out, print_json, say
from biolake.doctor.deployment import examinations
from biolake.doctor.examine import examine
from biolake.doctor.models import Finding, Verdict
from biolake.platform import opened
from biolake.settings import Settings

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red", Verdict.SKIPPED: "dim"}


def doctor(as_json: AsJson = False) -> None:
    """Check every configured engine and say what to do; exit code 1 when something is wrong."""
    quieten()
    from platform_assets.check_dagster import dagster

    found: list[Finding] = []
    with opened(Settings.from_environment()) as here:
        for finding in examine([*examinations(here), dagster(here.settings)]):
            found.append(finding)
            if not as_json:
                _show(finding)
    wrong = [finding for finding in found if finding.verdict == Verdict.PROBLEM]
    if as_json:
        print_json({"healthy": not wrong, "findings": [asdict(finding) for finding in found]})
    else:
        warnings = sum(finding.verdict == Verdict.WARNING for finding in found)
        say(err, f"{len(found)} checks: {len(wrong)} problems, {warnings} warnings")
    if wrong:
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    line = f"{finding.verdict.value:<8} {finding.engine:<13} {finding.check}: {finding.found}"
    say(out, line, style=_STYLES[finding.verdict])
    if finding.remedy:
        say(out, f"{'':<22} {finding.remedy}")
