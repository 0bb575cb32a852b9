"""What a value of the wrong form means, as the text that should stand in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mtsmart.config.reading.yaml_types import flow_text

_LONGEST = 300  # characters of a hint
_LABELS = "labels"
_NOTHING = ("none", "off", "no", "never", "nothing")
_NAMES = "List the names of the labels, in the order of the numbers that the data may have: labels: [neg, pos]"


def list_meant(key: str, value: Any) -> str | None:
    """A hint for a list that is written as another value; None if nobody can tell what is meant.

    Args:
        key: the last key of the list.
        value: what stands there.
    """
    if key == _LABELS and isinstance(value, int | float):
        return _NAMES
    items = list(_items(value))
    if key == _LABELS and len(items) == 1:
        return _NAMES
    typed = items if key == _LABELS else [_as_number(item) for item in items]
    return _write(key, typed) if items else None


def _as_number(item: str) -> str | int | float:
    """An item that is written as a number as that number."""
    if re.fullmatch("[-+]?[0-9]{1,15}", item):
        return int(item)
    return float(item) if re.fullmatch(r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?", item) else item


def mapping_meant(key: str, value: Any) -> str | None:
    """A hint for a mapping of names to settings that is written as a list of such settings; None: it is none."""
    named = [_named(item) for item in value] if isinstance(value, list) else []
    if not named or not all(named) or len({name for name, _ in filter(None, named)}) < len(named):
        return None
    return _write(key, dict(filter(None, named)))


def section_meant(key: str, value: Any, main_key: str | None) -> str | None:
    """A hint for a section of which only the value of its main key is written; None for a section without one."""
    return _write(key, {main_key: value}) if main_key is not None and isinstance(value, str) else None


def null_meant(description: str | None, value: Any) -> str | None:
    """A hint for a value that says nothing or off, where null does so by the setting's description; None otherwise."""
    stands_for = re.search("null: ([^;]+)", description or "")
    is_nothing = (value == 0 and value is not True) or str(value).casefold() in _NOTHING
    return f"null stands for: {stands_for[1]}" if stands_for and is_nothing else None


def parts_of(text: str) -> list[str]:
    """What stands between the commas or semicolons of a text."""
    return [part for piece in re.split("[,;]", text) if (part := piece.strip())]


def _items(value: Any) -> Iterator[str]:
    """The items of the list that a text or a mapping stands for: what commas part, or the names in order of the ids."""
    if isinstance(value, str):
        yield from parts_of(value)
    elif isinstance(value, Mapping):
        yield from _in_order(value)


def _in_order(value: Mapping[str, Any]) -> list[str]:
    by_name = {name: _id(number) for name, number in value.items()}
    by_id = {str(name): _id(number) for number, name in value.items() if isinstance(name, str)}
    if len(by_id) == len(value) and None not in by_id.values():
        by_name = by_id
    elif all(number is None for number in value.values()):
        return list(value)
    ids = [number for number in by_name.values() if number is not None]
    if len(set(ids)) < len(value):
        return []
    return sorted(by_name, key=lambda name: by_name[name] or 0)


def _id(number: Any) -> int | None:
    is_whole = not isinstance(number, bool) and re.fullmatch("[0-9]{1,9}", str(number)) is not None
    return int(number) if is_whole else None


def _named(item: Any) -> tuple[str, Any] | None:
    """The name and the settings that an item of a list has, as ``{name: a, weight: 2}`` or ``{a: {weight: 2}}``."""
    if isinstance(item, str):
        return item, {}
    if not isinstance(item, Mapping):
        return None
    if isinstance(item.get("name"), str):
        return item["name"], {key: value for key, value in item.items() if key != "name"}
    if len(item) != 1:
        return None
    name = next(iter(item))
    settings = item[name]
    return (name, settings or {}) if settings is None or isinstance(settings, Mapping) else None


def _write(key: str, value: Any) -> str | None:
    text = f"Write {key}: {flow_text(value)}"
    return text if len(text) <= _LONGEST else None
