"""What is said of a key that its section does not have."""

from __future__ import annotations

from collections.abc import Iterator

from mtsmart.config.document import Key
from mtsmart.config.forms import sections_in, types_at
from mtsmart.config.hints.option_names import hint_for_option
from mtsmart.config.hints.other_names import hint_for_other_name, setting_called
from mtsmart.config.hints.places import ROOTS, Written, hint_for_place, in_braces
from mtsmart.config.strict import StrictModel
from mtsmart.errors import alike, nearest


def hint_for_unknown(model: type[StrictModel], location: Key, written: Written) -> str:
    """What the user can do about an unknown key.

    A reason of the section's own comes first, then a key that differs by a slip of the hand. Names of other tools and
    settings of other sections come before keys that are only somewhat like it. In the settings of a method they are
    not looked for: a method's ``eps`` is not the optimizer's.

    Args:
        model: the section of the whole document.
        location: the keys down to the unknown one.
        written: how the user writes settings.
    """
    if (place := _place_with_dots(model, location)) is not None:
        return f"In a file it is written in its section: {in_braces(place)}. Dots are for the command line"
    sections = sections_in(types_at(model, location[:-1]))
    if sections and not any(section.known_keys() for section in sections):
        return "Nothing can be set here"
    return next(_hints(model, location, sections, written))


def _hints(
    model: type[StrictModel], location: Key, sections: list[type[StrictModel]], written: Written
) -> Iterator[str]:
    key = str(location[-1])
    keys = [known for section in sections for known in section.known_keys()]
    yield from filter(None, (section.reason_unknown(key) for section in sections))
    yield from _meant(alike(key, keys))
    if not _is_in_method(model, location):
        yield from filter(None, [hint_for_other_name(model, location, written), hint_for_place(model, key, written)])
        if model in ROOTS:  # and not the options of a task themselves
            yield from filter(None, [hint_for_option(key)])
    yield from _meant(nearest(key, keys))
    yield " ".join(section.hint_of_keys() for section in sections) or "There are none to choose from."


def _place_with_dots(model: type[StrictModel], location: Key) -> Key | None:
    """The place of the setting that a key such as ``optimizer.learning_rate`` means; None if it means none.

    The dots may lead on from the section where the key stands, or from the top of the file.
    """
    parts = tuple(str(location[-1]).split("."))
    if not all(parts[1:]) or len(parts) < 2:
        return None
    for above in (location[:-1], ()):
        section = (*above, *parts[:-1])
        keys = [key for one in sections_in(types_at(model, section)) for key in one.known_keys()]
        if types_at(model, (*section, parts[-1])):
            return *section, parts[-1]
        if (near := nearest(parts[-1], keys)) is not None:
            return *section, near
    other = setting_called(model, parts[-1])
    return tuple(other.split(".")) if other else None


def _is_in_method(model: type[StrictModel], location: Key) -> bool:
    return len(location) > 1 and str(location[0]) not in model.model_fields


def _meant(key: str | None) -> Iterator[str]:
    if key is not None:
        yield f"Did you mean '{key}'?"
