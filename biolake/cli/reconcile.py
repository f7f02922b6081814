"""`biolake reconcile`: the proof that bucket = ledger = lake = index."""

from dataclasses import asdict
from typing import Annotated

import typer

from biolake.arrivals.tick import tick
from biolake.cli.deployment import chosen, platform
from biolake.cli.ingest import run_until_done
from biolake.cli.output import AsJson, out, print_json, print_table, say
from biolake.platform import Platform
from biolake.reports.rebuild_index import rebuild_index
from biolake.reports.reconcile import Reconciliation, reconcile
from biolake.reports.repair import repair
from biolake.repositories.models import Repository


def reconcile_repositories(
    repository: Annotated[str | None, typer.Option("--repository", "-r", help="Only this repository.")] = None,
    repair_too: Annotated[bool, typer.Option("--repair", help="Bring the stores together and compare again.")] = False,
    accept_empty: Annotated[
        bool, typer.Option("--accept-empty", help="An empty folder is meant: delete what was in it.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild-index", help="First fill the search index anew from the lake, all repositories."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare bucket, ledger, lake and index; exit code 1 where they differ."""
    with platform() as here:
        if rebuild:
            _rebuild(here, quiet=as_json)
        found = [_one(here, one, repair_too, accept_empty, as_json) for one in chosen(here, repository)]
    if as_json:
        print_json([{**asdict(one), "agrees": one.agrees} for one in found])
    else:
        for one in found:
            _show(one)
    if not all(one.agrees for one in found):
        raise typer.Exit(1)


def _rebuild(here: Platform, *, quiet: bool) -> None:
    done = rebuild_index(here)
    if not quiet:
        say(
            out,
            f"search index: {done.documents} documents from the lake, {done.kept} written meanwhile; "
            f"{done.before} datasets before, {done.after} now",
        )


def _one(here: Platform, one: Repository, repair_too: bool, accept_empty: bool, quiet: bool) -> Reconciliation:
    if accept_empty:
        tick(one, here.bucket, here.lake_store, here.ledger, here.settings, accept_empty=True)
        run_until_done(here, one.name, quiet=quiet)
    found = reconcile(here, one)
    if not repair_too or found.agrees:
        return found
    done = repair(here, one, found)
    run_until_done(here, one.name, quiet=quiet)
    again = reconcile(here, one)
    return Reconciliation(**{**vars(again), "repaired": done})


def _show(found: Reconciliation) -> None:
    word = "agree" if found.agrees else f"differ in {len(found.differences)} places"
    say(
        out,
        f"{found.repository}: bucket, ledger, lake and index {word} "
        f"({found.objects} objects, {found.datasets} datasets, {found.documents} documents"
        f"{f', {found.in_work} in work' if found.in_work else ''}"
        f"{f', {len(found.errored)} errored' if found.errored else ''})",
    )
    for line in found.repaired:
        say(out, f"  repaired: {line}")
    if found.differences:
        rows = [(difference.between, difference.name, difference.problem) for difference in found.differences]
        print_table("", ("between", "name", "problem"), rows)
        if not found.repaired:
            say(out, f"`biolake reconcile --repository {found.repository} --repair` brings them together.")
