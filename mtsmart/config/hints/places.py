"""Where a setting stands, so that a key in the wrong place can be sent to the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from mtsmart.config.document import Key
from mtsmart.config.forms import sections_in
from mtsmart.config.open_section import PARTS
from mtsmart.config.strict import StrictModel
from mtsmart.errors import alike


@dataclass(frozen=True)
class Root:
    """A section that is in no other one.

    Attributes:
        model: the section.
        words: what a setting of it is, for somebody who writes another document.
        above: the keys that stand above it in the user's file.
    """

    model: type[StrictModel]
    words: str
    above: tuple[str, ...] = ()


Written: TypeAlias = Callable[[Key], str]
"""How a place is written: in YAML (:func:`in_braces`) or as a change on the command line (:func:`as_change`)."""
ROOTS: dict[type[StrictModel], Root] = {}
"""The experiment and the task definition, each entered by its own module."""


def enter_root(model: type[StrictModel], words: str, above: tuple[str, ...] = ()) -> None:
    """Let unknown keys of other sections be looked for in this one. The arguments are those of :class:`Root`."""
    ROOTS[model] = Root(model, words, above)


def roots_from(model: type[StrictModel]) -> list[Root]:
    """The roots, ``model`` first if it is one."""
    return sorted(ROOTS.values(), key=lambda root: root.model is not model)


def hint_for_place(model: type[StrictModel], key: str, written: Written) -> str | None:
    """Where a key belongs that another section has; None if none has it.

    Args:
        model: the section of the whole document, whose own sections are looked through first.
        key: the unknown key.
        written: how the user writes settings.
    """
    for find in (place_called, _place_like):
        for root in roots_from(model):
            place = find(root.model, key)
            if place is not None:
                return _sent_to(place, root, model, written)
    return None


def place_called(model: type[StrictModel], key: str) -> Key | None:
    """The place of the setting called ``key`` in a section or in one of its sections; None if there is none."""
    return next((place for place in _places(model) if place[-1] == key), None)


def _place_like(model: type[StrictModel], key: str) -> Key | None:
    near = alike(key, [str(place[-1]) for place in _places(model)])
    return None if near is None else place_called(model, near)


def _sent_to(place: Key, root: Root, model: type[StrictModel], written: Written) -> str:
    if root.model is not model:
        return f"It is {elsewhere(place, root)}"
    if written is as_change:
        return f"Write {as_change(place)}"
    where = f"under '{'.'.join(map(str, place[:-1]))}'" if place[1:] else "in no section"
    return f"Write it {where}: {written(place)}"


def elsewhere(place: Key, root: Root) -> str:
    """A place in another document than the user's."""
    return f"{root.words}: {in_braces((*root.above, *place))}"


def as_change(place: Key) -> str:
    """``training.epochs=...`` for the place of a setting."""
    return f"{'.'.join(map(str, place))}=..."


def in_braces(place: Key, value: str = "...") -> str:
    """``training: {epochs: ...}`` for the place of a setting.

    Args:
        place: the place.
        value: the text of the setting's value.
    """
    *outer, last = map(str, place)
    text = f"{last}: {value}"
    for name in reversed(outer):
        text = f"{name}: {{{text}}}"
    return text


@cache
def _places(model: type[StrictModel]) -> list[Key]:
    """The keys of a section and of the sections in it, those of the section itself first."""
    own = [(name,) for name in model.model_fields if name != PARTS]
    return [*own, *_inside(model)]


def _inside(model: type[StrictModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        for section in sections_in([field.annotation]):
            yield from ((name, inner) for inner in section.known_keys())
