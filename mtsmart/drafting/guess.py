"""From data to the draft of a task: what fits is guessed, and what may be two things is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from transformers import PreTrainedTokenizerBase

from mtsmart.drafting.columns import Column, look_at
from mtsmart.drafting.draft import Draft, Given, Seen
from mtsmart.drafting.flat import flat
from mtsmart.drafting.forms import NO_HEADER
from mtsmart.drafting.lengths import add_max_length
from mtsmart.drafting.opened import OURS, Opened, split_of
from mtsmart.drafting.questions import Answer, Ask, Question, choose
from mtsmart.drafting.structured import ranked, structured
from mtsmart.errors import ConfigError, DataError
from mtsmart.task_types import TASK_TYPES
from mtsmart.tasks.spellings import spelt_alike
from mtsmart.text.counts import part_of

_OF_ONE_TEXT = 1.5  # rows with the same text, on average, from which it is what several rows are about
_MANY = 20_000  # rows from which a tenth is enough for validation


def draft_of(data: Opened, given: Given, ask: Ask, tokenizer: PreTrainedTokenizerBase | None) -> tuple[Draft, Seen]:
    """The draft of a task on this data. Its lengths are counted in tokens, or without a tokenizer by words.

    Raises:
        MtsmartError: the data cannot be read, or nothing in it can be learnt.
    """
    check_type(given.task_type)
    seen = _seen(data, _training_split(data, ask))
    column = _split_column(seen)
    of_rows = {name: each for name, each in seen.columns.items() if each is not column}
    draft = _draft(replace(seen, columns=of_rows), given, ask)
    _take_order_of_labels(draft, seen)
    _add_form_of_numbers(draft, seen)
    _add_splits(draft, seen, column)
    _add_missing(draft, seen)
    _tell_of_names(draft, data)
    add_max_length(draft, seen, tokenizer)
    return draft, seen


def _tell_of_names(draft: Draft, data: Opened) -> None:
    """Say that a first line was taken as a row, because a header of the file would be learnt as one."""
    if data.notes.get("columns") == NO_HEADER:
        names = ", ".join(data.dataset["columns"])
        text = f"The first line looks like a row, not like names, so the columns are called {names}."
        draft.told.append(f"{text} If it has the names, delete 'columns' in the task file and use those names.")


def _take_order_of_labels(draft: Draft, seen: Seen) -> None:
    """Label names of the data come in its own order, those without a row too."""
    names = seen.data.label_names(seen.train).get(draft.label, ()) if isinstance(draft.label, str) else ()
    if draft.labels is not None and set(draft.labels) <= set(names):
        draft.labels = list(names)
        draft.notes["labels"] = "the names and the order of the data set"


def _add_form_of_numbers(draft: Draft, seen: Seen) -> None:
    """Say how the label's numbers are written, if not as numbers alone."""
    form = seen.columns[draft.label].form if isinstance(draft.label, str) and draft.label in seen.columns else None
    if form is not None and draft.task_type != "multi_label":
        seen.data.dataset["parse"] = {draft.label: form}
        signs = "a decimal comma" if form == "decimal_comma" else "signs beside them, or between thousands"
        draft.notes["parse"] = f"the numbers in '{draft.label}' are written with {signs}"


def _draft(seen: Seen, given: Given, ask: Ask) -> Draft:
    draft = structured(seen)
    if draft is not None and _agrees(draft, given):
        return draft
    draft = ranked(seen)
    if draft is not None and _agrees(draft, given):
        pairs = Answer(None, "a label for each pair of texts")
        answers = [Answer(draft, f"ranking: {draft.notes['task_type']}"), pairs]
        question = Question("What is learnt from rows with the same query?", answers, "--type")
        draft = choose(ask, question) if given.task_type is None else draft
        if draft is not None:
            return draft
    return flat(seen, given, ask)


def _training_split(data: Opened, ask: Ask) -> str:
    """The data's own split that is trained on; asked if none is called so."""
    called = [split for split in data.splits if split_of(split) == "train"]
    if called:
        return called[0]
    answers = [Answer(split, split) for split in data.splits]
    chosen: str = choose(ask, Question("No split is called train. Which one is trained on?", answers, "SOURCE"))
    return chosen


def _seen(data: Opened, train: str) -> Seen:
    counted = _Counted(data.rows(train))
    columns = look_at(_with_validation(data, train, counted), forms=data.source.files is not None)
    if not counted.count:
        raise DataError("has no rows", file=train)
    return Seen(data, train, columns, counted.count)


class _Counted:
    """Rows that are counted while they are read."""

    def __init__(self, rows: Iterator[Mapping[str, Any]]) -> None:
        self.count = 0
        self._rows = rows

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


def _with_validation(data: Opened, trained: str, train: _Counted) -> Iterator[Mapping[str, Any]]:
    """The training rows, and those of validation, whose labels and gaps count as well."""
    yield from train
    for split in data.splits:
        if split != trained and split_of(split) == "validation":
            yield from data.rows(split)
            return


def check_type(name: str | None) -> None:
    """Refuse a name that is no task type.

    Raises:
        ConfigError: says which type has the nearest name.
    """
    if name is not None and name not in TASK_TYPES:
        raise ConfigError("is no task type", argument="task_type", value=name, hint=TASK_TYPES.hint(name))


def _agrees(draft: Draft, given: Given) -> bool:
    """Whether a draft says nothing else than the user."""
    said = ((given.task_type, draft.task_type), (given.label, draft.label), (given.text, draft.text))
    return all(wanted is None or list(wanted) == list(found or []) for wanted, found in said)


def _add_splits(draft: Draft, seen: Seen, column: Column | None) -> None:
    """Which of the data's splits is which of ours; without a validation split some training rows are held out."""
    if column is not None:
        seen.data.dataset["split_column"] = column.name
        seen.data.dataset["files"] = next(iter(seen.data.dataset["files"].values()))
        names = list(spelt_alike(str(value) for value in column.values))
    else:
        names = list(seen.data.splits)
    ours = {split: [name for name in names if split_of(name) == split] for split in OURS}
    if not ours["train"]:
        ours = {split: [name for name in found if name != seen.train] for split, found in ours.items()}
        ours["train"] = [seen.train]
        draft.told.append(f"No split is called train, so '{seen.train}' is trained on.")
    specs = {split: "+".join(theirs) for split, theirs in ours.items() if theirs}
    splits = {split: spec for split, spec in specs.items() if spec.casefold() != split}
    if splits:
        draft.keys["splits"] = splits
        draft.notes["splits"] = f"the data calls its splits {', '.join(names)}"
    if not ours["validation"]:
        share = "10%" if seen.rows > _MANY else "20%"
        seen.data.dataset["holdout"] = share
        draft.notes["holdout"] = "there is no validation split, so some training rows are drawn for it"
        _add_group(draft, seen, seen.data.source.model_copy(update={"holdout": share}).held_out(seen.rows))


def _add_group(draft: Draft, seen: Seen, held_out: int) -> None:
    """The text that several rows are about, which stay on one side; else validation shows what was learnt by heart.

    Args:
        draft: of a task that holds rows out.
        seen: the data.
        held_out: how many rows are held out.
    """
    if len(draft.text) < 2 and "choices" not in draft.keys.get("options", {}):
        return  # A text alone that occurs twice is the same row again.
    if "group" in draft.keys.get("options", {}):
        return
    texts = [seen.columns[name] for name in draft.text if name in seen.columns]
    shared = [column for column in texts if column.rows_each >= _OF_ONE_TEXT]
    if draft.task_type == "span":
        shared = [seen.columns[draft.text[-1]]]
    if not shared:
        return
    longest = max(shared, key=lambda column: column.mean_words)
    if min(longest.values.values(), default=0) > held_out:
        draft.told.append(f"So many rows share a '{longest.name}' that some stand on both sides of the holdout.")
        return
    seen.data.dataset["group_column"] = longest.name
    draft.notes["group_column"] = f"several rows have the same '{longest.name}', and they stay on one side"


def _split_column(seen: Seen) -> Column | None:
    """The column that says of which split a row is."""
    if seen.data.source.files is None or len(seen.data.splits) > 1:
        return None
    for column in seen.columns.values():
        values = list(spelt_alike(str(value) for value in column.values))
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
    counts = ", ".join(_lacking(count, seen.columns[name]) for name, count in found.items())
    draft.notes["missing"] = f"{counts}; {'that text is empty in them' if only_second else 'they are left out'}"


def _lacking(count: int, column: Column) -> str:
    return f"{part_of(count, column.rows, 'row')} {'lacks' if count == 1 else 'lack'} '{column.name}'"
