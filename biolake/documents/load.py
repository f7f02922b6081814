"""Read one YAML document into a pydantic model, or name every mistake with its line.

Aliases are refused (a few hundred bytes of them expand to gigabytes; an anchor alone is harmless), and so are tags
(`!!int`: a document's types are its model's) and duplicate keys, which YAML 1.2 forbids and PyYAML lets pass.
"""

from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from biolake.documents.errors import DocumentInvalid, Mistake

_MOST_BYTES = 1_000_000

Model = TypeVar("Model", bound=BaseModel)
_Path = tuple[str | int, ...]


def load_document(text: str | bytes, model: type[Model], source: str) -> Model:
    """Parse `text` as YAML and validate it as `model`.

    Args:
        text: The document.
        model: What it must be; unknown keys are mistakes where the model forbids them.
        source: The document's name for messages.

    Raises:
        DocumentInvalid: With every mistake found.
    """
    content, lines = _parse(text, source)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = tuple(
            sorted((_mistake(dict(item), lines, model) for item in error.errors()), key=lambda mistake: mistake.line)
        )
        raise DocumentInvalid(source, mistakes) from error


def _parse(text: str | bytes, source: str) -> tuple[Any, dict[_Path, int]]:
    if len(text) > _MOST_BYTES:
        raise DocumentInvalid(source, (Mistake(0, "", f"more than {_MOST_BYTES:,} bytes. Split it."),))
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        forbidden = _forbidden(decoded)
        if forbidden:
            raise DocumentInvalid(source, forbidden)
        node = yaml.compose(decoded, Loader=yaml.SafeLoader)
        lines: dict[_Path, int] = {}
        mistakes: list[Mistake] = []
        if node is not None:
            _walk(node, (), lines, mistakes)
        if mistakes:
            raise DocumentInvalid(source, tuple(mistakes))
        return yaml.safe_load(decoded), lines
    except UnicodeDecodeError as error:
        raise DocumentInvalid(
            source, (Mistake(0, "", f"not UTF-8 at byte {error.start}. Save it as UTF-8."),)
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DocumentInvalid(source, (Mistake(line, "", f"not YAML: {error.problem or error.context}."),)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentInvalid(source, (Mistake(0, "", f"not YAML: {error}."),)) from error


def _forbidden(text: str) -> tuple[Mistake, ...]:
    """The aliases and tags of a document; both are told before anything is built from it."""
    found = []
    for event in yaml.parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            found.append(Mistake(line, "", "YAML aliases are not allowed. Write the value out."))
        tag = getattr(event, "tag", None)
        if tag is not None:
            found.append(Mistake(line, "", f"the YAML tag {tag} is not allowed. Remove it; quote a text."))
    return tuple(found)


def _walk(node: yaml.Node, path: _Path, lines: dict[_Path, int], mistakes: list[Mistake]) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in seen:
                mistakes.append(Mistake(line, ".".join(map(str, (*path, key))), "given twice. Keep one."))
            seen.add(key)
            _walk(value_node, (*path, key), lines, mistakes)
            lines[(*path, key)] = line
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _walk(item, (*path, position), lines, mistakes)


def _mistake(item: dict[str, Any], lines: dict[_Path, int], model: type[BaseModel]) -> Mistake:
    location: _Path = tuple(item["loc"])
    line = 0
    for length in range(len(location), -1, -1):
        if location[:length] in lines:
            line = lines[location[:length]]
            break
    key = ".".join(str(part) for part in location)
    if item["type"] == "extra_forbidden":
        message = f"unknown key. {_near(str(location[-1]), location[:-1], model)}"
    elif item["type"] == "missing":
        message = "missing. Add it."
    else:
        message = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
        if isinstance(item.get("input"), str | int | float | bool):
            message += f" Found {item['input']!r}."
    return Mistake(line, key, message)


def _near(name: str, parent: _Path, model: type[BaseModel]) -> str:
    import difflib

    if parent:
        return "Remove it or correct its spelling."
    close = difflib.get_close_matches(name, model.model_fields, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known keys: {', '.join(model.model_fields)}."
