"""Names of splits that nobody would read: mistyped ones, and usual names of a validation split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mtsmart.config.sections import DataConfig
from mtsmart.data.readers.clones import SPLIT_WORDS
from mtsmart.data.selection import bases
from mtsmart.data.sources import known_splits, places_read
from mtsmart.errors import MtsmartError
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.spellings import named

_KNOWN = ("train", "validation", "test")
_VALIDATION = re.compile(f"{SPLIT_WORDS['validation']}|validate|eval|evaluation")
_LETTERS_AN_EDIT = 4  # of a name, for each letter that may be wrong


def mistyped_splits(definition: TaskDefinition) -> Iterator[str]:
    """A text for each name of a split that is nearly train, validation or test.

    Names that the task takes from its data are no mistakes: those on the right of ``splits``, and those of the data
    that ``splits`` repeats on the left.
    """
    files = definition.dataset.files or {}
    read = {base for spec in definition.splits.values() for base in bases(spec)}
    for key, names in (("splits", definition.splits), ("dataset.files", files)):
        for name in names:
            known = _meant(name)
            # Files are found whatever the case of their split's letters.
            is_found = key == "dataset.files" and name.casefold() == known
            is_own = name in read or (key == "splits" and name in files)
            if known is not None and not is_found and not is_own:
                yield f"{key}: a split '{name}' is read only where it is asked for. Did you mean '{known}'?"


def unread_validation(definition: TaskDefinition, config: DataConfig, with_hub: bool = True) -> str | None:
    """A text if a task is never scored, although its data has a split with a usual name of validation rows.

    Args:
        definition: the task.
        config: says where its data is.
        with_hub: whether data that is on the Hub alone is looked at too.
    """
    if not definition.has_labels or "validation" in definition.splits or definition.dataset.draws_validation:
        return None
    try:
        if definition.dataset.files is None and not with_hub and not places_read(definition, config):
            return None
        known = known_splits(definition, config)
    except MtsmartError:  # Reading the rows tells it.
        return None
    if named(dict.fromkeys(known), "validation") is not None:
        return None
    return _unread_text(definition, known)


def _unread_text(definition: TaskDefinition, known: Iterable[str]) -> str | None:
    name = next((name for name in known if _VALIDATION.fullmatch(name.strip().casefold())), None)
    if name is None:
        return None
    key = "splits" if name in definition.splits else "dataset.files"
    is_written = name in definition.splits or name in (definition.dataset.files or {})
    way_out = "Write it as 'validation'" if is_written else f"Write splits: {{validation: {name}}}"
    place = f"{key}: " if is_written else ""
    return f"{place}'{name}' is read only where it is asked for; a run is scored on 'validation'. {way_out}"


def _meant(name: str) -> str | None:
    """The known name that is mistyped; None for a known name, and for one that is longer or quite another."""
    folded = name.casefold()
    for known in _KNOWN:
        is_longer = folded.startswith(known) and folded != known
        is_like = folded[:1] == known[0] and _edits(folded, known) <= len(known) // _LETTERS_AN_EDIT
        if name != known and not is_longer and is_like:
            return known
    return None


def _edits(one: str, other: str) -> int:
    """How many letters must be added, left out, replaced or swapped with their neighbour to get the other word."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for place, wanted in enumerate(other, 1):
            best = min(last[place] + 1, now[-1] + 1, last[place - 1] + (letter != wanted))
            is_swap = row > 1 and place > 1 and letter == other[place - 2] and one[row - 2] == wanted
            now.append(min(best, before[place - 2] + 1) if is_swap else best)
        before = last
        last = now
    return last[-1]
