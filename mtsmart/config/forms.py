"""The forms that a value of the configuration may have: found by its type, and said in the words of YAML."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mtsmart.config.strict import StrictModel

_WORDS: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_BOUNDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
_LIST = "a list: [one, another]"
_MAPPING = "a mapping: {key: value}"


def types_at(kind: Any, location: Sequence[str | int]) -> list[Any]:
    """The types that the value at ``location`` may have inside a value of type ``kind``; none if it is unknown."""
    found = [kind]
    for part in location:
        found = [inner for outer in found for branch in branches(outer) for inner in _inside(branch, part)]
    return found


def branches(kind: Any) -> list[Any]:
    """The alternatives of a type, each with its annotations. ``None`` is no form of its own."""
    if kind is None or kind is type(None):
        return []
    if get_origin(kind) is Annotated:
        inner = get_args(kind)[0]
        return branches(inner) if _is_union(inner) else [kind]
    if _is_union(kind):
        return [branch for argument in get_args(kind) for branch in branches(argument)]
    return [kind]


def sections_in(kinds: Sequence[Any]) -> list[type[StrictModel]]:
    """The sections among the alternatives of some types."""
    plain = [_bare(branch) for kind in kinds for branch in branches(kind)]
    return [kind for kind in plain if isinstance(kind, type) and issubclass(kind, StrictModel)]


def words_for(kinds: Sequence[Any]) -> str | None:
    """``a whole number (1 or more), 'all' or 'embeddings'``; None unless there are several forms."""
    alternatives = [branch for kind in kinds for branch in branches(kind)]
    if len(alternatives) < 2:
        return None
    *first, last = [form for branch in alternatives for form in _forms(branch)]
    return f"{', '.join(first)} or {last}"


def choices_in(kinds: Sequence[Any]) -> list[str]:
    """The words that some types allow."""
    plain = [_bare(branch) for kind in kinds for branch in branches(kind)]
    return [str(choice) for kind in plain if get_origin(kind) is Literal for choice in get_args(kind)]


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (typing.Union, types.UnionType)


def _bare(kind: Any) -> Any:
    """A type without its annotations."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _inside(kind: Any, part: str | int) -> list[Any]:
    """The type of what stands under ``part`` in a value of a type that has no alternatives."""
    plain = _bare(kind)
    if isinstance(plain, type) and issubclass(plain, StrictModel):
        found = plain.type_of(str(part))
        return [] if found is None else [found]
    arguments = get_args(plain)
    if get_origin(plain) is dict:
        return [arguments[1]]
    if get_origin(plain) is list:
        return [arguments[0]]
    return [Any] if plain is Any else []


def _forms(kind: Any) -> Iterator[str]:
    plain = _bare(kind)
    if get_origin(plain) is Literal:
        yield from (f"'{choice}'" for choice in get_args(plain))
    elif get_origin(plain) is list:
        yield _LIST
    elif get_origin(plain) is dict or (isinstance(plain, type) and issubclass(plain, StrictModel)):
        yield _MAPPING
    else:
        fields = [one for one in getattr(kind, "__metadata__", ()) if isinstance(one, FieldInfo)]
        title = next((field.title for field in fields if field.title), None)
        bounds = [_bound(one) for field in fields for one in field.metadata]
        within = ", ".join(bound for bound in bounds if bound)
        words = title or _WORDS.get(plain, getattr(plain, "__name__", str(plain)))
        yield f"{words} ({within})" if within else words


def _bound(limit: Any) -> str | None:
    """A limit of a number in words."""
    for name, words in _BOUNDS.items():
        if (value := getattr(limit, name, None)) is not None:
            return words.format(value)
    return None
