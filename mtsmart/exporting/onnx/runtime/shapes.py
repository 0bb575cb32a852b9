"""What plain data must look like: a check of data that others may have damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_KEY = 40
_LONGEST_VALUE = 80
_WORDS = {str: "a text", bool: "true or false", float: "a number", None: "null"}


@dataclass(frozen=True)
class Either:
    """One of several shapes."""

    shapes: tuple[Any, ...]


@dataclass(frozen=True)
class Named:
    """A mapping of any names to values of one shape."""

    shape: Any


@dataclass(frozen=True)
class ByKind:
    """A mapping whose ``kind`` says which other keys it has."""

    kinds: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Misfit:
    """A value that does not have its shape.

    Attributes:
        place: the keys that lead to it.
        message: what is wrong with it.
    """

    place: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        keys = [key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 3]}..." for key in self.place]
        return ": ".join([repr(".".join(keys))[1:-1], self.message] if keys else [self.message])


def misfit(value: Any, shape: Any, place: tuple[str, ...] = ()) -> Misfit | None:
    """The first part of a value that does not fit; None if all of it does.

    Args:
        value: the value.
        shape: ``str``, ``bool``, ``float`` (any number) or None; a range that a whole number lies in; a set of texts;
            a list with the shape of all items; a tuple with the shape of each item; a mapping with the shape of each
            key's value, where a key that may be absent ends with ``?``; or one of the classes of this module.
        place: the keys that lead to the value.
    """
    if isinstance(shape, Either):
        found = [misfit(value, each, place) for each in shape.shapes]
        return None if None in found else max(found, key=_depth)
    if isinstance(shape, ByKind):
        kind = value.get("kind") if isinstance(value, dict) else None
        keys = shape.kinds.get(kind) if isinstance(kind, str) else None
        return misfit(value, {"kind": {*shape.kinds}} if keys is None else keys, place)
    if isinstance(shape, list | tuple):
        return _misfit_in_list(value, shape, place)
    if isinstance(shape, Mapping | Named):
        return _misfit_in_mapping(value, shape, place)
    return None if _fits(value, shape) else Misfit(place, f"should be {_in_words(shape)}, got {_shown(value)}")


def _depth(found: Misfit | None) -> int:
    return len(found.place) if found else 0


def _in_words(shape: Any) -> str:
    if isinstance(shape, range):
        return f"a whole number from {shape.start}"
    if isinstance(shape, set):
        return f"one of {', '.join(sorted(shape))}"
    return _WORDS[shape]


def _fits(value: Any, shape: Any) -> bool:
    if shape is None:
        return value is None
    if isinstance(shape, range):
        return type(value) is int and value in shape
    if isinstance(shape, set):
        return isinstance(value, str) and value in shape
    return type(value) in ((int, float) if shape is float else (shape,))


def _misfit_in_list(value: Any, shape: list[Any] | tuple[Any, ...], place: tuple[str, ...]) -> Misfit | None:
    if not isinstance(value, list):
        return Misfit(place, f"should be a list, got {_shown(value)}")
    shapes: Sequence[Any] = shape if isinstance(shape, tuple) else shape * len(value)
    if len(value) != len(shapes):
        return Misfit(place, f"should have {len(shapes)} items, got {_shown(value)}")
    found = (misfit(*each, (*place, str(number))) for number, each in enumerate(zip(value, shapes, strict=True)))
    return next(filter(None, found), None)


def _misfit_in_mapping(value: Any, shape: Mapping[str, Any] | Named, place: tuple[str, ...]) -> Misfit | None:
    if not isinstance(value, dict):
        return Misfit(place, f"should be a mapping, got {_shown(value)}")
    keys = dict.fromkeys(value, shape.shape) if isinstance(shape, Named) else shape
    for key, inner in keys.items():
        name = key if isinstance(shape, Named) else key.removesuffix("?")
        if name not in value and name == key:
            return Misfit((*place, name), "is missing")
        if name in value and (found := misfit(value[name], inner, (*place, name))):
            return found
    return None


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[: _LONGEST_VALUE - 3]}..."
