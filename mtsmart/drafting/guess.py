"""From data to the draft of a task: what fits is guessed, and what may be two things is asked."""

from __future__ import annotations

from math import ceil

from mtsmart.drafting.columns import Column, look_at, shown_number
from mtsmart.drafting.draft import Draft, Given, Seen
from mtsmart.drafting.flat import flat
from mtsmart.drafting.opened import OURS, Opened, split_of
from mtsmart.drafting.questions import Ask
from mtsmart.drafting.structured import structured
from mtsmart.errors import ConfigError, DataError, did_you_mean
from mtsmart.task_types import TASK_TYPES

_PIECES = 1.5  # tokens of a word, about: rare words become several
_SPECIAL = 4  # tokens beside those of the texts
_STEP = 16
_SHORTEST = 32
_LONGEST = 512
_SHARE = 0.98  # of the rows that are not cut
_CUT = ("classification", "ordinal", "regression", "multi_label")  # types whose rows are their text columns alone
_MANY = 20_000  # rows from which a tenth is enough for validation


def draft_of(data: Opened, given: Given, ask: Ask) -> tuple[Draft, Seen]:
    """The draft of a task on this data.

    Raises:
        MtsmartError: the data cannot be read, or nothing in it can be learnt.
    """
    seen = _seen(data)
    check_type(given.task_type)
    draft = structured(seen)
    if draft is None or not _agrees(draft, given):
        draft = flat(seen, given, ask)
    _add_rare_labels(draft, seen)
    _add_splits(draft, seen)
    _add_missing(draft, seen)
    _add_max_length(draft, seen)
    return draft, seen


def _seen(data: Opened) -> Seen:
    train = next((split for split in data.splits if split_of(split) == "train"), data.splits[0])
    columns, rows = look_at(data.rows(train))
    if not rows:
        raise DataError("has no rows", file=train)
    return Seen(data, train, columns, rows)


def check_type(name: str | None) -> None:
    """Refuse a name that is no task type.

    Raises:
        ConfigError: says which type has the nearest name.
    """
    if name is not None and name not in TASK_TYPES:
        raise ConfigError("is no task type", argument="task_type", value=name, hint=did_you_mean(name, TASK_TYPES))


def _agrees(draft: Draft, given: Given) -> bool:
    """Whether a draft says nothing else than the user."""
    said = ((given.task_type, draft.task_type), (given.label, draft.label), (given.text, draft.text))
    return all(wanted is None or list(wanted) == list(found or []) for wanted, found in said)


def _add_rare_labels(draft: Draft, seen: Seen) -> None:
    """The labels of the rows that were not looked at."""
    column = seen.columns.get(draft.label) if isinstance(draft.label, str) else None
    if column is None or column.rows == seen.rows or draft.task_type != "classification":
        return
    known = set(draft.labels or [])
    values = {row.get(column.name) for row in seen.data.rows(seen.train)}
    rare = sorted({shown_number(value) for value in values if value not in (None, "")} - known)
    draft.labels = [*(draft.labels or []), *rare]


def _add_splits(draft: Draft, seen: Seen) -> None:
    """Which of the data's splits is which of ours; without a validation split some training rows are held out."""
    column = _split_column(seen)
    if column is not None:
        seen.data.dataset["split_column"] = column.name
        seen.data.dataset["files"] = next(iter(seen.data.dataset["files"].values()))
        names = [str(value) for value in column.values]
    else:
        names = list(seen.data.splits)
    ours = {split: [name for name in names if split_of(name) == split] for split in OURS}
    ours["train"] = ours["train"] or [seen.train]
    splits = {split: found[0] for split, found in ours.items() if found and found[0].casefold() != split}
    if splits:
        draft.keys["splits"] = splits
        draft.notes["splits"] = f"the data calls its splits {', '.join(names)}"
    if not ours["validation"]:
        share = "10%" if seen.rows > _MANY else "20%"
        seen.data.dataset["holdout"] = share
        draft.notes["holdout"] = "there is no validation split, so some training rows are drawn for it"


def _split_column(seen: Seen) -> Column | None:
    """The column that says of which split a row is."""
    if seen.data.source.files is None or len(seen.data.splits) > 1:
        return None
    for column in seen.columns.values():
        values = {str(value) for value in column.values}
        if 1 < len(values) <= 4 and not column.is_cut and all(split_of(value) for value in values):
            return column
    return None


def _add_missing(draft: Draft, seen: Seen) -> None:
    """What is done with rows that lack something: the second text may be empty, and other rows are left out."""
    labels = [draft.label] if isinstance(draft.label, str) else draft.label or []
    lacking = {name: seen.columns[name].missing for name in [*draft.text, *labels] if name in seen.columns}
    found = {name: count for name, count in lacking.items() if count}
    if not found:
        return
    only_second = len(draft.text) == 2 and list(found) == draft.text[1:]
    draft.keys["missing"] = {draft.text[1]: "empty"} if only_second else "drop"
    counts = ", ".join(f"{count:,} of {seen.columns[name].rows:,} rows lack '{name}'" for name, count in found.items())
    draft.notes["missing"] = f"{counts}; {'that text is empty in them' if only_second else 'they are left out'}"


def _add_max_length(draft: Draft, seen: Seen) -> None:
    words = [seen.columns[name].words for name in draft.text if name in seen.columns]
    if draft.task_type not in _CUT or not all(words) or not words:
        return
    most = sum(sorted(counts)[int(_SHARE * (len(counts) - 1))] for counts in words)
    tokens = ceil((most * _PIECES + _SPECIAL) / _STEP) * _STEP
    draft.keys["max_length"] = min(max(tokens, _SHORTEST), _LONGEST)
    draft.notes["max_length"] = f"98 % of the rows have at most {most} words, with about {_PIECES} tokens each"
