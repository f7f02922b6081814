"""Read one YAML document into a pydantic model, or name every mistake with its line and what to do.

How it is read is `read`; how a model's errors are told is `validate`.
"""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from biolake.documents.errors import DocumentInvalid
from biolake.documents.read import read_document
from biolake.documents.validate import mistakes_of

Model = TypeVar("Model", bound=BaseModel)


def load_document(text: str | bytes, model: type[Model], source: str) -> Model:
    """Parse `text` as YAML and validate it as `model`.

    Args:
        text: The document.
        model: What it must be; unknown keys are mistakes where the model forbids them.
        source: The document's name for messages.

    Raises:
        DocumentInvalid: With every mistake found.
    """
    document, mistakes = read_document(text.encode() if isinstance(text, str) else text, source)
    if mistakes and not document.lines:
        raise DocumentInvalid(source, tuple(mistakes))
    try:
        loaded = model.model_validate(document.value)
    except ValidationError as error:
        mistakes += mistakes_of(error, document, model)
        raise DocumentInvalid(source, tuple(sorted(mistakes, key=lambda mistake: mistake.line))) from error
    if mistakes:
        raise DocumentInvalid(source, tuple(mistakes))
    return loaded
