"""Record what one version of SciKit-Digital-Health can do: its processes, their parameters, cut-points and metrics.

Run by the Python of a runtime, which need not have Biolake: `python record.py OUTPUT.json`. The tables beside this
script were made so and are what saved pipelines are checked against; reading them is `process_table`.
"""

import importlib
import inspect
import json
import pkgutil
import sys
import warnings
from pathlib import Path
from typing import Any


def _plain(value: Any) -> Any:
    """Return a default as JSON keeps it; tuples become lists."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)


def _parameters(process: type) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name, parameter in inspect.signature(process.__init__).parameters.items():  # type: ignore[misc]
        if name == "self":
            continue
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            return {}
        required = parameter.default is parameter.empty
        taken[name] = {"required": True} if required else {"required": False, "default": _plain(parameter.default)}
    return taken


def processes() -> dict[str, Any]:
    """Return every public process by `module.Class` as a saved pipeline writes it."""
    import skdh
    from skdh.base import BaseProcess

    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(skdh.__path__, "skdh."):
        if ".tests" in module.name:
            continue
        for name, thing in vars(importlib.import_module(module.name)).items():
            is_process = inspect.isclass(thing) and issubclass(thing, BaseProcess)
            # A public process is exported by a package one level below skdh. Sub-steps of gait work only inside it.
            public = (
                module.ispkg and module.name.count(".") == 1 and ".substeps." not in getattr(thing, "__module__", "")
            )
            if not (is_process and public) or thing.__name__.startswith("Base"):
                continue
            package, inner = thing.__module__.split(".", 1)
            if package == "skdh":
                found[f"{inner}.{name}"] = {"exported": f"{module.name}.{name}", "parameters": _parameters(thing)}
    return dict(sorted(found.items()))


def cutpoints() -> dict[str, Any]:
    """Return the named cut-points with the levels each of them has."""
    from skdh.activity.cutpoints import _base_cutpoints

    return {name: sorted(values) for name, values in sorted(_base_cutpoints.items())}


def metrics() -> list[str]:
    """Return the names of the acceleration metrics that cut-points may name."""
    from skdh.activity import metrics as module

    return sorted(name for name, thing in vars(module).items() if name.startswith("metric_") and callable(thing))


def main(output: Path) -> None:
    """Write the table of the installed version to `output`."""
    from importlib.metadata import version

    warnings.simplefilter("ignore")
    table = {
        "skdh_version": version("scikit-digital-health"),
        "processes": processes(),
        "cutpoints": cutpoints(),
        "metrics": metrics(),
    }
    output.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
