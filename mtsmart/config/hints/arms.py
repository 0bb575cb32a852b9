"""What is said of a key that a grid, or one of its pieces, does not have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mtsmart.config.document import Key
from mtsmart.config.forms import sections_in, types_at
from mtsmart.config.hints.other_names import setting_called
from mtsmart.config.hints.places import Written, as_change, in_braces
from mtsmart.config.hints.unknown_keys import hint_for_unknown
from mtsmart.config.strict import StrictModel
from mtsmart.errors import alike, in_yaml

_NAMES = "ab"  # of the arms in an example


def hint_in_piece(model: type[StrictModel], key: str, known: Collection[str]) -> str:
    """What the user can do about an unknown key of an arm, a table or a start.

    Args:
        model: the section of the whole experiment, of which the piece is a part.
        key: the unknown key.
        known: the keys that the piece may have.
    """
    slip = alike(key, known)
    return hint_for_unknown(model, (key,), in_braces) if slip is None else f"Did you mean '{slip}'?"


def hint_for_values(model: type[StrictModel], location: Key, value: Any, written: Written) -> str | None:
    """How arms are written, for a setting whose values stand in the grid itself: ``grid: {lr: [1e-5, 2e-5]}``.

    Args:
        model: the section of the whole experiment.
        location: the keys down to the unknown one.
        value: what stands there.
        written: how the user writes settings.

    Returns:
        The hint; None where the key is a slip, or no setting that has a list of values.
    """
    if len(location) != 2 or location[0] != "grid":
        return None
    name = str(location[1])
    keys = [key for section in sections_in(types_at(model, location[:1])) for key in section.known_keys()]
    if alike(name, keys) is not None:
        return None
    while isinstance(value, dict) and len(value) == 1:
        [(inner, value)] = value.items()
        name = f"{name}.{inner}"
    place = _place_of(model, name)
    if place is None or not isinstance(value, list) or not value:
        return None
    arms = [f"{arm}: {{{in_braces(place, in_yaml(one))}}}" for arm, one in zip(_NAMES, value, strict=False)]
    example = ", ".join([*arms, *["..."][: len(value) - len(arms)]])
    text = f"'grid.arms={{{example}}}'" if written is as_change else f"arms: {{{example}}}"
    return f"Each value is an arm with a name: {text}"


def _place_of(model: type[StrictModel], name: str) -> Key | None:
    """The place of the setting of a name. Where that is a section with a main setting, it is that one."""
    place = setting_called(model, name)
    if place is None:
        return None
    key: Key = tuple(place.split("."))
    main = next((section.main_key for section in sections_in(types_at(model, key)) if section.main_key), None)
    return key if main is None else (*key, main)
