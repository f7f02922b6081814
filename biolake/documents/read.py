"""Reading a YAML document with the line of every key, so that a mistake can be shown where it is.

What the keys mean is a model's, see `load`. Nothing here builds objects from tags, and size, depth and expansion are
limited: a document is data from outside. Scalars follow YAML 1.2's core schema (`no` is text), or YAML 1.1 as PyYAML
reads it where a file will be read again by SciKit-Digital-Health. Source: yaml.org/spec.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from biolake.documents.errors import Mistake

KeyPath = tuple[str | int, ...]

SIZE_LIMIT = 1024 * 1024
DEPTH_LIMIT = 40
NODE_LIMIT = 100_000

_NULL = re.compile(r"^(~|null|Null|NULL|)$")
_BOOLEAN = re.compile(r"^(true|True|TRUE|false|False|FALSE)$")
_INTEGER = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_TUPLE_TAG = "tag:yaml.org,2002:python/tuple"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Dialect:
    """What a kind of document may hold.

    Attributes:
        aliases: Whether `&anchor` and `*alias` may be used; they count as often as they are used.
        tuples: Whether `!!python/tuple` may stand before a list.
        yaml_1_1: Whether plain scalars are resolved as YAML 1.1 does, mapping keys included.
    """

    aliases: bool = False
    tuples: bool = False
    yaml_1_1: bool = False


STRICT = Dialect()


@dataclass(frozen=True)
class Document:
    """A document's content and where each of its keys and items stands.

    Attributes:
        name: What errors call it.
        value: Mappings, lists, tuples and scalars.
        lines: Line, from 1, of each key and item by its path.
    """

    name: str
    value: Any
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Return the line of `path`, or of the nearest key around it that is in the document."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def mistake(self, path: KeyPath, message: str, remedy: str, *, warning: bool = False) -> Mistake:
        """Return a mistake at `path`."""
        severity = "warning" if warning else "error"
        return Mistake(self.name, self.line(path), spell(path), message, remedy, severity)


def spell(path: KeyPath) -> str:
    """Return a path as people write it: `file_types[0].clock`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(content: bytes, name: str, dialect: Dialect = STRICT) -> tuple[Document, list[Mistake]]:
    """Read a YAML document, JSON included.

    Args:
        content: The bytes of the document, UTF-8.
        name: What mistakes call it.
        dialect: What it may hold.

    Returns:
        The document (an empty one where it cannot be read at all) and every mistake found.
    """
    empty = Document(name, {}, {})
    if len(content) > SIZE_LIMIT:
        message = f"the document has {len(content):,} bytes, more than {SIZE_LIMIT:,}."
        return empty, [Mistake(name, 0, "", message, "Is it the right file? Split what was generated.")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"byte {error.start} is not UTF-8."
        return empty, [Mistake(name, line, "", message, "Save the document as UTF-8.")]
    composer = _Composer(text, name, dialect)
    try:
        value = composer.document()
    except _Stop:
        return empty, composer.mistakes
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"not valid YAML: {error.problem or error.context}."
        remedy = "Check indentation, quotes and brackets around this line."
        return empty, [*composer.mistakes, Mistake(name, mark.line + 1 if mark else 0, "", message, remedy)]
    except yaml.YAMLError as error:
        message = f"not valid YAML: {str(error).splitlines()[0]}."
        return empty, [*composer.mistakes, Mistake(name, 0, "", message, "Remove the character named.")]
    return Document(name, value, composer.lines), composer.mistakes


class _Stop(Exception):
    """Reading on would cost too much; the mistakes say why."""


@dataclass
class _Anchor:
    value: Any
    nodes: int
    complete: bool


class _Composer:
    """Builds values from a parser's events, counting what they would cost when aliases are written out."""

    def __init__(self, text: str, name: str, dialect: Dialect) -> None:
        self.name = name
        self.dialect = dialect
        self.mistakes: list[Mistake] = []
        self.lines: dict[KeyPath, int] = {}
        self._parser = _Loader(text)
        self._scalars = yaml.SafeLoader("") if dialect.yaml_1_1 else None
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0

    def document(self) -> Any:
        """Return the value of the only document."""
        self._parser.get_event()
        if self._parser.check_event(yaml.StreamEndEvent):
            self._add(0, (), "the document is empty.", "Write the configuration into it.")
            raise _Stop
        self._parser.get_event()
        value = self._node((), 0)
        self._parser.get_event()
        if not self._parser.check_event(yaml.StreamEndEvent):
            line = self._parser.peek_event().start_mark.line + 1
            self._add(line, (), "a second document begins here.", "Keep one document per file; remove `---`.")
        return value

    def _add(self, line: int, path: KeyPath, message: str, remedy: str) -> None:
        self.mistakes.append(Mistake(self.name, line, spell(path), message, remedy))

    def _node(self, path: KeyPath, depth: int) -> Any:
        event = self._parser.get_event()
        line = event.start_mark.line + 1
        if depth > DEPTH_LIMIT:
            self._add(line, path, f"nested deeper than {DEPTH_LIMIT} levels.", "Flatten it.")
            raise _Stop
        self._count(line, path)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line, path)
        anchor = self._begin_anchor(event.anchor, line, path)
        before = self._nodes
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(event, path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, path, depth)
        else:
            value = self._scalar(event, path)
        if anchor is not None:
            anchor.value, anchor.nodes, anchor.complete = value, self._nodes - before + 1, True
        return value

    def _count(self, line: int, path: KeyPath, nodes: int = 1) -> None:
        self._nodes += nodes
        if self._nodes > NODE_LIMIT:
            self._add(line, path, f"more than {NODE_LIMIT:,} values, aliases written out.", "Make it smaller.")
            raise _Stop

    def _begin_anchor(self, name: str | None, line: int, path: KeyPath) -> _Anchor | None:
        if name is None:
            return None
        if not self.dialect.aliases:
            self._add(line, path, f"anchor `&{name}` is not allowed.", "Write the value out where it is used.")
        self._anchors[name] = anchor = _Anchor(None, 0, False)
        return anchor

    def _alias(self, name: str, line: int, path: KeyPath) -> Any:
        if not self.dialect.aliases:
            self._add(line, path, f"alias `*{name}` is not allowed.", "Write the value out where it is used.")
        anchor = self._anchors.get(name)
        if anchor is None or not anchor.complete:
            self._add(line, path, f"alias `*{name}` has no value before it.", "Write the value out.")
            raise _Stop
        self._count(line, path, anchor.nodes)
        return anchor.value

    def _mapping(self, event: Any, path: KeyPath, depth: int) -> dict[str, Any]:
        self._refuse_tag(event, path)
        result: dict[str, Any] = {}
        while not self._parser.check_event(yaml.MappingEndEvent):
            key_event = self._parser.peek_event()
            line = key_event.start_mark.line + 1
            if not isinstance(key_event, yaml.ScalarEvent):
                self._add(line, path, "a key is not plain text.", "Use text as keys.")
                raise _Stop
            self._parser.get_event()
            self._count(line, path)
            key = key_event.value
            inside = (*path, key)
            self._check_key(key_event, inside)
            if key in result:
                first = self.lines[inside]
                self._add(line, inside, f"the key is there twice, first in line {first}.", "Keep one of them.")
            else:
                self.lines[inside] = line
            result[key] = self._node(inside, depth + 1)
        self._parser.get_event()
        return result

    def _check_key(self, event: Any, path: KeyPath) -> None:
        line = event.start_mark.line + 1
        if event.tag is not None or event.anchor is not None:
            self._add(line, path, "a key with a tag or an anchor.", "Write the key alone.")
        if self._scalars is not None and not event.style:
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
            if tag != "tag:yaml.org,2002:str":
                self._add(line, path, f"YAML does not read the key `{event.value}` as text.", "Put it in quotes.")

    def _sequence(self, event: Any, path: KeyPath, depth: int) -> list[Any] | tuple[Any, ...]:
        is_tuple = self.dialect.tuples and event.tag == _TUPLE_TAG
        if not is_tuple:
            self._refuse_tag(event, path)
        result: list[Any] = []
        while not self._parser.check_event(yaml.SequenceEndEvent):
            inside = (*path, len(result))
            self.lines[inside] = self._parser.peek_event().start_mark.line + 1
            result.append(self._node(inside, depth + 1))
        self._parser.get_event()
        return tuple(result) if is_tuple else result

    def _refuse_tag(self, event: Any, path: KeyPath) -> None:
        if event.tag is not None:
            line = event.start_mark.line + 1
            self._add(line, path, f"the tag `{event.tag}` is not allowed.", "Write plain values, lists and mappings.")

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        self._refuse_tag(event, path)
        # libyaml says '' for a plain scalar, PyYAML's own parser None.
        if event.style or event.tag is not None:
            return event.value
        if self._scalars is None:
            return _core(event.value)
        tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            return self._scalars.construct_object(node)
        except (yaml.constructor.ConstructorError, ValueError) as error:
            line = event.start_mark.line + 1
            self._add(line, path, f"`{event.value}` cannot be read: {error}.", "Put it in quotes if it is text.")
            return None


def _core(text: str) -> Any:
    """Resolve a plain scalar by the core schema."""
    if _NULL.match(text):
        return None
    if _BOOLEAN.match(text):
        return text.lower() == "true"
    # The length keeps a line of a million digits from costing quadratic time; as text it is refused later.
    if _INTEGER.match(text) and len(text) < 19:
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
