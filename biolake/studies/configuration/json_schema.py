"""The published JSON Schema of a study's configuration, for editors; made from the model, never by hand.

`python -m biolake.studies.configuration.json_schema docs/study.schema.json` writes it; a test keeps the published file
current.
"""

import json
import sys
from pathlib import Path
from typing import Any

from biolake.studies.configuration.study import StudyDocument


def study_schema() -> dict[str, Any]:
    """Return the schema, JSON Schema draft 2020-12."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **StudyDocument.model_json_schema()}


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> None:
    """Write the schema to `path`."""
    path.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
