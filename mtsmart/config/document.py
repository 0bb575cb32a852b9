"""YAML with the place of every key, so that an error can name the line.

Differences from ``yaml.safe_load``: YAML 1.2 scalars (``5e-5`` is a number, ``no`` and ``off`` are text),
duplicate keys are refused, tags are refused, and size, depth and node count are bounded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mtsmart.arguments import as_python
from mtsmart.config.reading.yaml_types import MAX_NODES, Dumper, Resolver, TooMany
from mtsmart.errors import ConfigError, MtsmartError, reason_in
from mtsmart.storage.durable import read_bytes
from mtsmart.storage.failures import reason_of
from mtsmart.text.escaping import each_line

MAX_BYTES = 2_000_000
MAX_DEPTH = 32
_MAX_DIGITS = 400
_REMEMBERED = 20_000  # characters; the nodes of longer texts are not worth their memory

_EXPANDS = "is nested too deeply or expands to too many values"
_KINDS = ("map", "seq", "str", "int", "float", "bool", "null")

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value was written.

    Attributes:
        file: the file, or a phrase such as ``command line``.
        line: the line of the file, counted from 1.
        above: the keys that stand in the file above the document that has this origin.
    """

    file: str
    line: int | None = None
    above: Key = ()


COMMAND_LINE = Origin("command line")


@dataclass
class Document:
    """Plain data plus the origin of each key.

    Attributes:
        data: nested dicts, lists and scalars.
        origins: path of keys and indices -> where it was written.
    """

    data: dict[str, Any]
    origins: dict[Key, Origin] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Sequence[str], value: Any, origin: Origin) -> Document:
        """The document of one setting.

        Args:
            keys: the keys from the top to the setting.
            value: its value.
            origin: where all of it was written.
        """
        data = value
        for key in reversed(keys):
            data = {key: data}
        return cls(data, {tuple(keys[: number + 1]): origin for number in range(len(keys))})

    def origin(self, key: Key) -> Origin:
        """The origin of ``key``, or of the nearest enclosing key that has one."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.origins:
                return self.origins[key[:length]]
        return Origin("configuration")

    def error(self, message: str, key: Key, **parts: Any) -> ConfigError:
        """A ConfigError that names ``key`` and its place."""
        origin = self.origin(key)
        return ConfigError(message, file=origin.file, line=origin.line, key=_dotted(origin, key), **parts)

    @contextmanager
    def locating(self, prefix: Key = ()) -> Iterator[None]:
        """Add the place of the key to errors that are raised inside and name a key of this document but no file.

        Args:
            prefix: keys that stand above the document and that errors about it name too.
        """
        try:
            yield
        except MtsmartError as error:
            raise self.located(error, prefix) from None

    def located(self, error: MtsmartError, prefix: Key = ()) -> MtsmartError:
        """An error with the place of its key, if that is a key of this document and the error names no file.

        Args:
            error: the error.
            prefix: as for ``locating``.
        """
        if error.file is not None or error.key is None:
            return error
        named = tuple(error.key.split("."))
        if named[: len(prefix)] != prefix:  # such as a column
            return error
        key = named[len(prefix) :]
        origin = self.origin(key)
        return error.at(origin.file, origin.line, _dotted(origin, key))

    def below(self, key: str) -> Document:
        """The mapping under ``key`` as a document of its own. Its errors name ``key`` too."""
        origins = {
            path[1:]: replace(origin, above=(*origin.above, key))
            for path, origin in self.origins.items()
            if path[:1] == (key,)
        }
        return Document(dict(self.data[key] or {}), origins)

    def merged(self, other: Document) -> Document:
        """This document overlaid with ``other``: mappings merge, everything else is replaced."""
        kept = {path: origin for path, origin in self.origins.items() if not _is_replaced(path, self.data, other.data)}
        # A value of ``other`` may have its place from a key above it, where this document has a nearer place.
        given = {path: other.origin(path) for path in _given(self.data, other.data)}
        return Document(_overlay(self.data, other.data), {**kept, **given, **other.origins})

    def without(self, path: tuple[str, ...]) -> Document:
        """This document without the value at ``path``, if it has one, and without the places below it."""
        origins = {known: place for known, place in self.origins.items() if known[: len(path)] != path}
        return Document(_without(self.data, path), origins)


def _dotted(origin: Origin, key: Key) -> str | None:
    """A key as it stands in the file, with dots; None for the whole file."""
    return ".".join(map(str, (*origin.above, *key))) or None


def _is_replaced(path: Key, old: Any, new: Any) -> bool:
    """Whether the overlay with ``new`` replaces the value at ``path`` of ``old``."""
    for part in path:
        if not isinstance(new, dict) or not isinstance(old, dict):
            return True
        if part not in new:
            return False
        old = old.get(part)
        new = new[part]
    return False


def _given(old: dict[str, Any], new: dict[str, Any], above: Key = ()) -> Iterator[Key]:
    """The paths of all values that the overlay with ``new`` takes from it."""
    for key, value in new.items():
        path = (*above, key)
        before = old.get(key)
        if not isinstance(value, dict):
            yield path
        elif isinstance(before, dict):
            yield from _given(before, value, path)
        else:
            yield path
            yield from _given({}, value, path)


def _without(data: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    key, *below = path
    if not below:
        return {name: value for name, value in data.items() if name != key}
    inner = data.get(key)
    return {**data, key: _without(inner, tuple(below))} if isinstance(inner, dict) else data


def _overlay(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict)
        result[key] = _overlay(result[key], value) if both else value
    return result


def dump_yaml(data: Any) -> str:
    """The YAML text of plain data; reading it gives the same data. What is not visible is escaped."""
    return each_line(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100))


def read_yaml(path: str | Path, duplicates: list[ConfigError] | None = None) -> Document:
    """Read one YAML file whose top level is a mapping.

    Args:
        path: the file.
        duplicates: collects the errors of keys that are given twice, and the last value counts; None: the first such
            error is raised.

    Raises:
        ConfigError: the file is missing, not UTF-8, not YAML, too large, or not a mapping.
    """
    file = Path(path)
    try:
        text = read_bytes(file, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=file) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {reason_of(error)}", file=file) from None
    return parse_yaml(text, str(path), duplicates)


def document_of(data: Mapping[str, Any], source: str) -> Document:
    """The document of a mapping that a program gives, as if it had been read from YAML.

    Args:
        data: nested mappings, lists, texts, numbers and paths. It stays as it is.
        source: what errors call it.

    Raises:
        ConfigError: a value is of another kind, or nested too deeply.
    """
    copied = {key: _plain(value, (key,), source) for key, value in data.items()}
    return Document(copied, {(): Origin(source)})


def _plain(value: Any, path: Key, source: str) -> Any:
    """A value in the types that YAML gives."""
    place: dict[str, Any] = {"file": source, "key": ".".join(map(str, path))}
    if len(path) > MAX_DEPTH:
        raise ConfigError("is nested too deeply", **place)
    if isinstance(value, Mapping):
        if (wrong := next((key for key in value if not isinstance(key, str)), None)) is not None:
            raise ConfigError("has a key that is not a text", value=wrong, **place)
        return {str(key): _plain(item, (*path, key), source) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, index), source) for index, item in enumerate(value)]
    value = os.fspath(value) if isinstance(value, os.PathLike) else as_python(value)
    if value is None or isinstance(value, bool):
        return value
    kind = next((kind for kind in (str, int, float) if isinstance(value, kind)), None)
    if kind is None:
        raise ConfigError("is not a value that an experiment can hold", value=value, **place)
    if kind is str and "\0" in value:
        raise ConfigError("a text with a NUL character is not allowed", value=value, **place)
    return kind(value)  # Libraries have subclasses of these types, which YAML does not know.


def parse_yaml(text: str, file: str, duplicates: list[ConfigError] | None = None) -> Document:
    """Parse the text of a YAML mapping; ``file`` is what errors call it."""
    node = _compose(text, file)
    if node is None:
        raise ConfigError("is empty", file=file, hint="A mapping of keys to values is expected")
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("must be a mapping of keys to values at its top level", file=file, line=_line(node))
    origins: dict[Key, Origin] = {(): Origin(file)}
    data = _Builder(file, origins, duplicates).build(node, ())
    return Document(data, origins)


def parse_value(text: str, key: Key = ()) -> Any:
    """The value of one ``key=value`` override, read as YAML.

    Args:
        text: the value.
        key: what it is the value of.

    Raises:
        ConfigError: the text is not a YAML value.
    """
    node = _compose(text, COMMAND_LINE.file)
    return None if node is None else _Builder(COMMAND_LINE.file, {}).build(node, key)


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        return _nodes_once(text) if len(text) <= _REMEMBERED else _nodes(text)
    except TooMany as error:
        raise ConfigError(_EXPANDS, file=file, line=error.args[0]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"is not valid YAML: {problem}", file=file, line=mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"is not valid YAML: {reason_in(error)}", file=file) from None


def _nodes(text: str) -> yaml.Node | None:
    loader = Resolver(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


# A training run reads its own configuration eight times. Nothing changes the nodes.
_nodes_once = lru_cache(maxsize=64)(_nodes)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_label(path: Key) -> bool:
    """Whether a value is the name of a label, which stays as it is written: ``01`` is no 1, and ``1.10`` no 1.1."""
    return path[-2:-1] == ("labels",) and isinstance(path[-1], int)


class _Builder:
    """Turns composed nodes into plain data and notes where each key stood."""

    def __init__(self, file: str, origins: dict[Key, Origin], duplicates: list[ConfigError] | None = None) -> None:
        self.file = file
        self.origins = origins
        self.duplicates = duplicates
        self.count = 0  # values so far
        self.scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, path: Key) -> Any:
        self.count += 1
        if len(path) > MAX_DEPTH or self.count > MAX_NODES:
            raise ConfigError(_EXPANDS, file=self.file, line=_line(node))
        if not node.tag.startswith("tag:yaml.org,2002:"):
            raise ConfigError("tags are not allowed", file=self.file, line=_line(node), value=node.tag)
        self.origins.setdefault(path, Origin(self.file, _line(node)))
        kind = node.tag.rpartition(":")[2]
        if kind not in _KINDS:
            raise ConfigError(f"a value of type '{kind}' is not allowed", file=self.file, line=_line(node))
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        if _is_label(path) and kind in ("int", "float", "bool") and "n" not in node.value.lower():  # no .nan, no .inf
            return node.value
        if kind == "int":
            if len(node.value) > _MAX_DIGITS:  # Python refuses to read thousands of digits.
                raise ConfigError("is a number of too many digits", file=self.file, line=_line(node), value=node.value)
            return int(node.value)  # YAML 1.1 would read 010 as octal.
        self._refuse_nul(node)
        return getattr(self.scalars, f"construct_yaml_{kind}")(node)

    def _refuse_nul(self, node: yaml.Node) -> None:
        if "\0" in node.value:  # No file name can hold it.
            raise ConfigError("a text with a NUL character is not allowed", file=self.file, line=_line(node))

    def _items(self, node: yaml.MappingNode, path: Key) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in seen:
                self._twice(
                    ConfigError(
                        f"is given twice (first on line {seen[key]})", file=self.file, line=_line(key_node), key=key
                    ),
                    (*path, key),
                )
            seen[key] = _line(key_node)
            self.origins[(*path, key)] = Origin(self.file, _line(key_node))
            yield key, self.build(value_node, (*path, key))

    def _twice(self, error: ConfigError, path: Key) -> None:
        if self.duplicates is None:
            raise error
        self.duplicates.append(error)
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise ConfigError("a key must be plain text", file=self.file, line=_line(node))
        self._refuse_nul(node)
        if node.value == "<<" and node.style is None:
            message = "'<<' merges mappings in YAML 1.1 alone, and is not supported"
            hint = "Write the keys out here, or name the whole value with *; an experiment can have 'extends: FILE'"
            raise ConfigError(message, file=self.file, line=_line(node), hint=hint)
        return str(node.value)
