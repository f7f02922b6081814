"""`biolake runtimes`: locked environments of studies, built before a recording asks for them."""

from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.output import AsJson, out, print_json, say

app = typer.Typer(no_args_is_help=True, help="Build the locked runtimes that recordings are processed in.")


@app.command("build")
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Which; every one where none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build runtimes into BIOLAKE_RUNTIME_CACHE, as an image does for machines without network; built ones stay."""
    from biolake.studies.runtimes import ensure_runtime, runtime_names

    with platform() as here:
        built = [
            ensure_runtime(name, here.runtimes, here.settings.runtime_cache)
            for name in names or runtime_names(here.runtimes)
        ]
    if as_json:
        print_json([{"runtime": one.name, "digest": one.digest, "python": str(one.python)} for one in built])
        return
    for one in built:
        say(out, f"{one.name}: {one.python}")
