"""A document held against its model: what pydantic finds, said as mistakes with the line, the key and what to do.

Reading a document is `read`. A remedy is the description of the field, the key that may have been meant, or what the
model's own check says (see `mistaken`).
"""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from biolake.documents.errors import Mistake
from biolake.documents.read import Document, KeyPath
from biolake.documents.suggestions import closest

_MISTAKE = "mistake"


def mistaken(message: str, remedy: str = "") -> PydanticCustomError:
    """Return the error that a validator raises so that message and remedy reach the document's owner apart."""
    return PydanticCustomError(_MISTAKE, "{message} {remedy}", {"message": message, "remedy": remedy})


def mistakes_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Mistake]:
    """Return what is wrong with `document`, which was refused as `model` with `error`."""
    return [_mistake(document, item, model) for item in _telling(error)]


def _telling(error: ValidationError) -> list[dict[str, Any]]:
    """Return the errors without those that only say that a list is short of an item that is itself in error."""
    items: list[dict[str, Any]] = [{**item} for item in error.errors(include_url=False)]
    places = [tuple(item["loc"]) for item in items]
    return [
        item
        for item, place in zip(items, places, strict=True)
        if item["type"] != "too_short"
        or not any(len(other) > len(place) and other[: len(place)] == place for other in places)
    ]


def _mistake(document: Document, item: Mapping[str, Any], model: type[BaseModel]) -> Mistake:
    path: KeyPath = tuple(item["loc"])
    # A mapping's key that is refused is reported one level deeper by pydantic.
    path = path[:-1] if path and path[-1] == "[key]" else path
    kind, context = item["type"], item.get("ctx", {})
    if kind == _MISTAKE:
        return document.mistake(path, context["message"], context["remedy"])
    if kind == "extra_forbidden":
        return document.mistake(path, f"unknown key `{path[-1]}`.", _hint(path, model))
    if kind == "missing":
        return document.mistake(path, f"`{path[-1]}` is missing.", f"Add it. {_describe(path, model)}".rstrip())
    found = item["input"]
    shown = f" Found {found!r}." if isinstance(found, str | int | float | bool) or found is None else ""
    message = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
    if kind == "string_type" and isinstance(found, int | float | bool):
        return document.mistake(path, f"this is text, and YAML reads {found!r}.", "Put it in quotes.")
    if kind == "too_short":
        return document.mistake(path, "nothing is listed.", _describe(path, model) or "List at least one.")
    return document.mistake(path, message + shown, _describe(path, model))


def _describe(path: KeyPath, model: type[BaseModel]) -> str:
    holder, name = _model_at(path[:-1], model), path[-1] if path else ""
    if holder is None:
        return ""
    for field_name, field in holder.model_fields.items():
        if name in (field_name, field.alias) and field.description:
            return f"{field.description.rstrip('.')}."
    return ""


def _hint(path: KeyPath, model: type[BaseModel]) -> str:
    holder = _model_at(path[:-1], model)
    if holder is None:
        return "Remove it."
    known = [field.alias or name for name, field in holder.model_fields.items()]
    close = closest(str(path[-1]), known)
    return f"Did you mean `{close}`?" if close else f"Known here: {', '.join(known)}."


def _model_at(path: KeyPath, model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model that describes what stands at `path` in a document of `model`."""
    kind: Any = model
    for part in path:
        kind = _inner(kind, part)
        if kind is None:
            return None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _inner(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = [field for name, field in kind.model_fields.items() if part in (name, field.alias)]
        return _unwrapped(fields[0].annotation) if fields else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return _unwrapped(arguments[1])
    return _unwrapped(arguments[0]) if get_origin(kind) in (list, tuple) else None


def _unwrapped(kind: Any) -> Any:
    """Return the type inside Annotated and Optional."""
    while get_origin(kind) in (types.UnionType, Union) or hasattr(kind, "__metadata__"):
        if hasattr(kind, "__metadata__"):
            kind = kind.__origin__
            continue
        choices = [choice for choice in get_args(kind) if choice is not type(None)]
        kind = choices[0]
    return kind
