"""Tasks that the structure of the data shows: spans, tags, candidates, several labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mtsmart.drafting.columns import Column, Kind, is_name_of_ids
from mtsmart.drafting.draft import Draft, Seen
from mtsmart.drafting.label_names import Likeness, likeness

_MOST_TAGS = 300
_MOST_CANDIDATES = 26
_MOST_LABELS = 300
_ANSWER_KEYS = {"text", "answer_start"}
_QUERY_ID = re.compile(r"q(uery|uestion)?[_-]?id|(group|search|session)[_-]?id", re.IGNORECASE)
_RELEVANCE = ("label", "relevance", "relevant", "rel", "score", "grade", "is_relevant", "is_correct")
_RIGHT = ("label", "answer", "gold", "correct", "key", "target")
"""Parts of the names of columns that say which candidate is right."""
_TAGS = ("tag", "ner", "label")
_KINDS = ("pos",)  # kinds of words, where no column is called as tags are
_LETTERS = {chr(ord("A") + number) for number in range(_MOST_CANDIDATES)}


def structured(seen: Seen) -> Draft | None:
    """The draft that the columns' structure shows; None if it shows none."""
    for recognise in (_span, _tagging, _choice, _candidate_columns, _label_lists, _label_columns):
        draft = recognise(seen)
        if draft is not None:
            return draft
    return None


def _span(seen: Seen) -> Draft | None:
    answers = [column for column in seen.columns.values() if column.keys >= _ANSWER_KEYS]
    if not answers or not {"question", "context"} <= seen.columns.keys():
        return None
    draft = Draft("span", ["question", "context"], answers[0].name)
    draft.notes["task_type"] = f"'{answers[0].name}' holds answers and where they start in the context"
    if answers[0].blank:
        draft.keys["options"] = {"no_answer": True}
        draft.notes["options"] = f"{answers[0].blank:,} questions have no answer"
    draft.keys["metrics"] = ["answer_f1", "answer_exact"]
    return draft


def _tagging(seen: Seen) -> Draft | None:
    tags = [column for column in _lists(seen) if not column.is_cut and _are_tags(column)]
    for tag in sorted(tags, key=lambda column: (not _is_named(column.name, _TAGS), not _is_named(column.name, _KINDS))):
        words = [column for column in _lists(seen) if column is not tag and column.lengths == tag.lengths]
        words = sorted(words, key=lambda column: -len(column.items))
        if words and len(words[0].items) > len(tag.items):
            return _tagging_draft(words[0], tag)
    return _blank_tags(seen)


def _lists(seen: Seen) -> list[Column]:
    return [column for column in seen.columns.values() if column.kind is Kind.TEXTS]


def _are_tags(column: Column) -> bool:
    if is_name_of_ids(column.name) or column.name == "head":  # CoNLL-U counts words, and names others by their number.
        return False
    return 1 < len(column.items) <= _MOST_TAGS and sum(column.lengths) > 2 * len(column.items)


def _tagging_draft(words: Column, tag: Column) -> Draft:
    draft = Draft("tagging", [words.name], tag.name, in_order_of_tags(tag.items))
    draft.notes["task_type"] = f"'{tag.name}' has an item for each item of '{words.name}'"
    marks = any(label[:2] in ("B-", "I-", "B_", "I_") for label in draft.labels or [])
    draft.keys["metrics"] = ["entity_f1", "tag_accuracy"] if marks else ["tag_accuracy", "tag_macro_f1"]
    return draft


def _blank_tags(seen: Seen) -> Draft | None:
    """Words with blanks between in one column, as many tags in another."""
    texts = [column for column in seen.columns.values() if column.kind is Kind.TEXT]
    for tag in texts:
        items = {item for value in tag.values for item in value.split()} if not tag.is_cut else set()
        marks = items and all(item == "O" or item[:2] in ("B-", "I-", "S-", "E-", "L-", "U-") for item in items)
        words = [column for column in texts if column is not tag and column.words == tag.words]
        if marks and words:
            counted = Column(tag.name)
            counted.items.update(items)
            return _tagging_draft(words[0], counted)
    return None


def in_order_of_tags(tags: Iterable[str]) -> list[str]:
    """O first, then the tags of each kind together, B before I."""
    return sorted(tags, key=lambda tag: (tag != "O", tag[2:] if tag[1:2] in ("-", "_") else tag, tag))


def _choice(seen: Seen) -> Draft | None:
    """A list of candidates, and which of them is right; or what each of them is worth."""
    for column in seen.columns.values():
        name = column.name
        nested = column.kind is Kind.OBJECT and "text" in column.keys
        is_list = column.kind is Kind.TEXTS and column.lengths and 2 <= max(column.lengths) <= _MOST_CANDIDATES
        if not nested and not (is_list and min(column.lengths) >= 2):
            continue
        label = _right_one(seen, column)
        text = _texts_beside(seen, name)
        if label is None or not text:
            continue
        if label.kind is Kind.NUMBERS:
            return _ranking_draft(text, label, name)
        options: dict[str, Any] = {"choices": f"{name}.text" if nested else name}
        if nested and "label" in column.keys:
            options["keys"] = f"{name}.label"
        return _choice_draft(text, label, options, f"'{name}' holds candidates, and '{label.name}' says which is right")
    return None


def _right_one(seen: Seen, candidates: Column) -> Column | None:
    """The column that says which candidate is right, or how good each is."""
    most = max(candidates.lengths, default=_MOST_CANDIDATES)
    for column in seen.columns.values():
        if column is candidates or column.is_id:
            continue
        if column.kind is Kind.NUMBERS and column.lengths == candidates.lengths:
            return column
        if _is_place(column, most) and _is_named(column.name, _RIGHT):
            return column
    return None


def _is_place(column: Column, most: int) -> bool:
    if column.is_whole:
        return all(0 <= value <= most for value in column.values)
    return column.kind is Kind.TEXT and {str(value).upper() for value in column.values} <= _LETTERS


def _choice_draft(text: list[str], label: Column, options: dict[str, Any], note: str) -> Draft:
    draft = Draft("multiple_choice", text, label.name, keys={"options": options, "metrics": ["accuracy"]})
    draft.notes["task_type"] = note
    if label.is_whole and "keys" not in options and 0 not in label.values:
        draft.keys["labels_from"] = 1
        draft.notes["labels_from"] = f"'{label.name}' counts from 1"
    return draft


def _ranking_draft(text: list[str], label: Column, candidates: str) -> Draft:
    draft = Draft("ranking", text, label.name, keys={"options": {"candidates": candidates}, "metrics": ["mrr", "ndcg"]})
    draft.notes["task_type"] = f"'{label.name}' has a number for each item of '{candidates}'"
    return draft


def ranked(seen: Seen) -> Draft | None:
    """Rows with one candidate each, of which those of one query have the same id; None if there are no such columns."""
    columns = seen.columns.values()
    groups = [each for each in columns if _is_query(each) and len(each.values) * 2 <= each.present]
    worth = [each for each in columns if each.name.casefold() in _RELEVANCE and each.kind is Kind.NUMBER]
    texts = sorted((each for each in columns if each.is_prose), key=lambda each: len(each.values))
    if not groups or not worth or len(texts) != 2 or min(worth[0].values) < 0:
        return None
    draft = Draft("ranking", [each.name for each in texts], worth[0].name)
    draft.keys = {"options": {"group": groups[0].name}, "metrics": ["mrr", "ndcg"]}
    draft.notes["task_type"] = f"'{worth[0].name}' says how well '{texts[1].name}' fits '{texts[0].name}'"
    draft.notes["options"] = f"rows with the same '{groups[0].name}' are the candidates of one query"
    return draft


def _is_query(column: Column) -> bool:
    """Whether rows with the same value are about one query: its id, or its text."""
    return bool(_QUERY_ID.fullmatch(column.name)) or (column.word == "query" and column.is_prose)


def _texts_beside(seen: Seen, name: str) -> list[str]:
    """The text that candidates belong to: at most two columns."""
    texts = [column.name for column in seen.columns.values() if column.is_prose and column.name != name]
    return texts[:2]


def _candidate_columns(seen: Seen) -> Draft | None:
    """Candidates in columns of their own, such as choice1 and choice2, and the number of the right one."""
    groups: dict[str, list[Column]] = {}
    for column in seen.columns.values():
        stem = column.name.rstrip("0123456789ABCDE_").casefold()
        if column.is_prose and stem in ("choice", "option", "candidate", "ending", "answer", "sol", "alternative"):
            groups.setdefault(stem, []).append(column)
    for columns in groups.values():
        names = [column.name for column in columns]
        text = [column.name for column in seen.columns.values() if column.is_prose and column.name not in names][:2]
        right = [column for column in seen.columns.values() if _is_right(column, len(names))]
        if len(names) >= 2 and text and right:
            note = f"{', '.join(names)} are candidates, and '{right[0].name}' says which is right"
            return _choice_draft(text, right[0], {"choices": names}, note)
    return None


def _is_right(column: Column, count: int) -> bool:
    return _is_named(column.name, _RIGHT) and not column.is_prose and _is_place(column, count) and not column.is_cut


def _label_lists(seen: Seen) -> Draft | None:
    """A list of labels beside a text."""
    for column in seen.columns.values():
        text = [each.name for each in seen.columns.values() if each.is_prose]
        if _has_a_label(seen) and likeness(column) is not Likeness.CALLED_SO:
            continue
        if column.kind is not Kind.TEXTS or not text or not 1 < len(column.items) <= _MOST_LABELS:
            continue
        if not column.is_cut and sum(column.lengths) > len(column.items):
            labels = sorted(column.items, key=lambda label: (label.casefold(), label))
            note = f"'{column.name}' holds lists of {len(labels)} labels"
            return _several_labels(text[:1], column.name, labels, note)
    return None


def _label_columns(seen: Seen) -> Draft | None:
    """Several columns of 0 and 1 beside a text."""
    text = [each.name for each in seen.columns.values() if each.is_prose]
    columns = [column for column in seen.columns.values() if _is_of_0_and_1(column)]
    if len(columns) < 2 or not text or _has_a_label(seen):
        return None
    note = f"{len(columns)} columns hold 0 and 1, one a label"
    return _several_labels(text[:1], [column.name for column in columns], None, note)


def _several_labels(text: list[str], label: str | list[str], labels: list[str] | None, note: str) -> Draft:
    draft = Draft("multi_label", text, label, labels, keys={"metrics": ["micro_f1", "macro_f1"]})
    draft.notes["task_type"] = note
    return draft


def _has_a_label(seen: Seen) -> bool:
    """Whether a column of single values is called as labels are."""
    single = (Kind.TEXT, Kind.NUMBER, Kind.TRUTH)
    return any(column.kind in single and likeness(column) is Likeness.CALLED_SO for column in seen.columns.values())


def _is_of_0_and_1(column: Column) -> bool:
    values = set(column.values)
    return column.kind in (Kind.NUMBER, Kind.TRUTH) and len(values) == 2 and values <= {0, 1}


def _is_named(name: str, words: Iterable[str]) -> bool:
    return any(word in name.casefold() for word in words)
