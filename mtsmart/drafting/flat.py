"""Tasks with one label in a row: which columns are read, which one is the label, and what kind of label it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mtsmart.drafting.columns import Column, Kind
from mtsmart.drafting.draft import Draft, Given, Seen
from mtsmart.drafting.label_names import Likeness, likeness, rank
from mtsmart.drafting.questions import Answer, Ask, Question, choose
from mtsmart.drafting.spellings import one_spelling, respelt
from mtsmart.errors import ConfigError, did_you_mean

_PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2"),
    ("text_a", "text_b"), ("sentence_a", "sentence_b"), ("question", "sentence"), ("question", "passage"),
    ("question", "context"), ("query", "document"), ("query", "passage"), ("title", "body"), ("subject", "body"),
    ("headline", "body"), ("title", "text"), ("title", "description"), ("source", "target"),
)  # fmt: skip
_TEXT_WORDS = ("text", "sentence", "review", "content", "comment", "message", "tweet", "body", "utterance", "question")
_DEGREES = ("rating", "stars", "grade", "level", "severity", "priority", "urgency", "quality", "difficulty")
_AMOUNTS = ("score", "similarity", "relatedness", "price", "value", "readability", "probability", "degree")
_ORDERS = (
    ("very low", "low", "medium", "normal", "high", "very high", "urgent", "critical"),
    ("very bad", "bad", "poor", "fair", "ok", "average", "good", "very good", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("small", "medium", "large"), ("easy", "medium", "hard"), ("mild", "moderate", "severe"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
)  # fmt: skip
_MOST_CLASSES = 500
_MOST_DEGREES = 11
_MOST_TEXTS = 2
_TYPES = ("classification", "ordinal", "regression", "multi_label", "masked_lm")
_SEPARATORS = (",", ";", "|")
_MOST_NAMED = 3  # columns in one sentence
_IMBALANCED = 5  # times as many rows of the most frequent label as of the rarest


def flat(seen: Seen, given: Given, ask: Ask) -> Draft:
    """The draft of a task with one label, or of masked language modelling where no column can be a label.

    Raises:
        ConfigError: no column can be read, the user names one that is not there, or a type that does not fit.
    """
    if given.task_type not in (None, *_TYPES):
        message = f"the columns do not look like such a task ({', '.join(seen.columns)})"
        hint = f"'mtsmart tasks types {given.task_type}' says what it reads"
        raise ConfigError(message, argument="task_type", value=given.task_type, hint=hint)
    label = _label(seen, given, ask)
    text = _text(seen, given, label, ask)
    if label is None:
        draft = Draft("masked_lm", text[:1])
        draft.notes["task_type"] = "no column is a label, so words are hidden and guessed, as an auxiliary task"
        draft.told += _why_no_label(seen, given, text)
        return draft
    label, spellings = respelt(label)
    draft = _of_label(text, label, given, ask)
    draft.told += spellings
    if given.label is None:
        _tell_of_others(draft, seen)
    return draft


def _why_no_label(seen: Seen, given: Given, text: Sequence[str]) -> list[str]:
    """A sentence on the columns that may be meant as labels, and are in no form that is learnt."""
    if given.task_type == "masked_lm":
        return []
    unused = [column for column in seen.columns.values() if column.name not in text and not column.is_id]
    found = [f"'{column.name}' holds {why}" for column in unused if (why := _why_unlearnt(column)) is not None]
    if not found:
        return []
    shown = "; ".join(found[:_MOST_NAMED])
    return [f"No column is taken for the label: {shown}. 'mtsmart tasks types' says what each kind of task reads."]


def _why_unlearnt(column: Column) -> str | None:
    """What keeps a column from being a label; None if nothing but its name does, or it is hardly meant as one."""
    if column.kind in (Kind.OBJECT, Kind.MIXED, Kind.TEXTS, Kind.NUMBERS):
        return str(column.kind.value)
    if likeness(column) in (Likeness.CALLED_SO, Likeness.ALMOST_CALLED_SO):
        return "the same value in all rows" if len(column.values) == 1 else "too many different values"
    return None


def _tell_of_others(draft: Draft, seen: Seen) -> None:
    """Name the columns that may be labels as well, so that a user who means another one knows what to say."""
    read = [*draft.text, draft.label]
    others = [column.name for column in _candidates(seen) if column.name not in read]
    likely = [name for name in others if likeness(seen.columns[name]) is not Likeness.HARDLY]
    if not likely:
        return
    names = ", ".join(f"'{name}'" for name in likely[:_MOST_NAMED])
    draft.notes["label"] = f"--label takes another column, such as {names}"
    draft.told.append(f"The label is '{draft.label}'. --label takes another column, such as {names}.")


def _candidates(seen: Seen) -> list[Column]:
    """The columns that may be the label, the likeliest first."""
    found = [column for column in seen.columns.values() if _may_be_label(column) and _has_text_beside(seen, column)]
    return sorted(found, key=rank)


def _label(seen: Seen, given: Given, ask: Ask) -> Column | None:
    if given.label is not None:
        return named(seen, given.label, "label")
    if given.task_type == "masked_lm":
        return None
    every = _candidates(seen)
    found = [column for column in every if column.name not in (given.text or ())] or every
    best = [column for column in found if likeness(column) is likeness(found[0])] if found else []
    answers = [Answer(column, f"{column.name} ({_shown_values(column)})") for column in best]
    if given.task_type is not None:
        only: Column = choose(ask, Question("Which column is the label?", answers, "--label"))
        return only
    none = Answer(None, "none: the texts have no label")
    if best and likeness(best[0]) is Likeness.HARDLY:
        answers = [none, *answers]
    elif len(best) > 1 or (best and _is_unsure(best[0])):
        answers.append(none)
    chosen: Column | None = choose(ask, Question("Which column is the label?", answers, "--label")) if answers else None
    return chosen


def _is_unsure(column: Column) -> bool:
    """Whether a column that is the only one of its likeness may still be no label."""
    return column.is_prose or (column.kind is Kind.NUMBER and likeness(column) is Likeness.MAY_BE)


def _has_text_beside(seen: Seen, label: Column) -> bool:
    """Whether a text is left to read if a column is the label."""
    return any(
        column is not label and column.kind is Kind.TEXT and not column.is_id for column in seen.columns.values()
    )


def named(seen: Seen, name: str, argument: str) -> Column:
    """The column that an argument names.

    Raises:
        ConfigError: there is none.
    """
    if name not in seen.columns:
        raise ConfigError(
            "names no column of the data", argument=argument, value=name, hint=did_you_mean(name, seen.columns)
        )
    return seen.columns[name]


def _may_be_label(column: Column) -> bool:
    if column.is_id or column.kind not in (Kind.TEXT, Kind.NUMBER, Kind.TRUTH) or len(column.values) < 2:
        return False
    if column.kind is Kind.NUMBER:
        return True
    is_few = not column.is_cut and len(column.values) <= min(_MOST_CLASSES, max(column.present // 2, 2))
    return is_few and (not column.is_prose or column.is_repeated)


def _shown_values(column: Column) -> str:
    names = column.names
    if column.is_cut or len(names) > 6:
        ends = f"{names[0]} to {names[-1]}" if column.kind is Kind.NUMBER else f"{names[0]}, {names[1]} ..."
        return f"{len(names):,} values: {ends}"
    return ", ".join(names)


def _text(seen: Seen, given: Given, label: Column | None, ask: Ask) -> list[str]:
    if given.text is not None:
        return _given_text(seen, given.text, label)
    texts = [column for column in seen.columns.values() if column is not label and column.is_prose]
    texts = [column for column in texts if len(column.values) > 1] or texts  # The same text in all rows says nothing.
    if not texts:
        texts = [column for column in seen.columns.values() if column is not label and column.kind is Kind.TEXT]
        texts = [column for column in texts if not column.is_id]
    if not texts:
        held = ", ".join(f"'{column.name}' holds {column.kind.value}" for column in seen.columns.values())
        hint = "Write the text of each row into a column of its own, or name one with --text"
        raise ConfigError(f"no column holds texts: {held}", argument="source", hint=hint)
    chosen: list[str] = choose(ask, Question("Which columns are read?", _text_answers(texts), "--text"))
    return chosen


def _given_text(seen: Seen, names: Sequence[str], label: Column | None) -> list[str]:
    """The text columns that the user names.

    Raises:
        ConfigError: there is no such column, one of them is the label, or they are not one or two.
    """
    texts = [named(seen, name, "text").name for name in names]
    if label is not None and label.name in texts:
        others = [name for name in texts if name != label.name]
        hint = f"Leave '{label.name}' out" if others else "Name a text column"
        message = f"the column '{label.name}' is the label, so that it would tell the label"
        raise ConfigError(message, argument="text", value=",".join(names), hint=f"{hint}, or say another --label")
    if len(set(texts)) < len(texts) or len(texts) > _MOST_TEXTS:
        raise ConfigError("should be one or two columns", argument="text", value=",".join(names))
    return texts


def _text_answers(texts: Sequence[Column]) -> list[Answer]:
    """A known pair first; then the longest texts, alone and in pairs."""
    by_name = {column.word: column.name for column in texts}
    pairs = [[by_name[first], by_name[second]] for first, second in _PAIRS if {first, second} <= by_name.keys()]
    if pairs:
        known = Answer(pairs[0], f"{pairs[0][0]} and {pairs[0][1]}, as a pair")
        others = [Answer([column.name], column.name) for column in texts]
        return [known] if len(texts) == 2 else [known, *others]
    ranked = sorted(texts, key=lambda column: (column.word not in _TEXT_WORDS, -column.mean_words))
    single = [Answer([column.name], f"{column.name} ({column.mean_words:.0f} words)") for column in ranked]
    if len(texts) == 1:
        return single
    names = [column.name for column in texts[:2]]
    both = Answer(names, f"{names[0]} and {names[1]}, as a pair")
    return [both, *single] if len(texts) == 2 else [*single[:1], both, *single[1:]]


def _of_label(text: list[str], label: Column, given: Given, ask: Ask) -> Draft:
    task_type = given.task_type or choose(ask, Question(f"What is '{label.name}'?", _types(label), "--type"))
    draft = Draft(task_type, text, label.name)
    draft.notes["task_type"] = f"'{label.name}' holds {_shown_values(label)}"
    if task_type == "regression":
        draft.keys["metrics"] = ["pearson", "rmse"]
    elif task_type == "multi_label":
        _add_parted_labels(draft, label)
    elif task_type == "ordinal":
        draft.labels = in_known_order(label.names) or label.names
        draft.keys["metrics"] = ["quadratic_kappa", "accuracy"]
    else:
        draft.labels = label.names
        _add_class_metrics(draft, label)
    return draft


def _types(label: Column) -> list[Answer]:
    """The kinds of task that the values of a label allow, the likeliest first."""
    separator = _separator(label)
    if separator is not None:
        parts = ", ".join(_parts(label, separator)[:_MOST_DEGREES])
        several = Answer("multi_label", f"any number of labels, with {separator} between: {parts}")
        if label.form is not None:
            return [_AMOUNT, several]
        return [several, Answer("classification", f"one of {len(label.names)} labels")]
    if label.kind is not Kind.NUMBER:
        is_ordered = len(label.names) > 2 and in_known_order(label.names) is not None
        return [_degrees(label), _classes(label)] if is_ordered else [_classes(label)]
    return _types_of_numbers(label)


def _types_of_numbers(label: Column) -> list[Answer]:
    count = len(label.values)
    if not label.is_whole or count > _MOST_CLASSES:
        return [_AMOUNT] if count > _MOST_DEGREES else [_AMOUNT, _degrees(label)]
    if count == 2:
        return [_classes(label)]
    word = label.word
    is_amount = label.form is not None or any(each in word for each in _AMOUNTS)
    if count > _MOST_DEGREES:
        return [_AMOUNT, _classes(label)] if is_amount else [_classes(label), _AMOUNT]
    if any(each in word for each in _DEGREES):
        return [_degrees(label), _AMOUNT, _classes(label)]
    return [_AMOUNT, _degrees(label), _classes(label)] if is_amount else [_classes(label), _degrees(label), _AMOUNT]


_AMOUNT = Answer("regression", "an amount, of which other values may occur")


def _classes(label: Column) -> Answer:
    return Answer("classification", f"classes without an order: {_shown_values(label)}")


def _degrees(label: Column) -> Answer:
    order = in_known_order(label.names) or label.names
    return Answer("ordinal", f"degrees in this order: {', '.join(order[:_MOST_DEGREES])}")


def _separator(label: Column) -> str | None:
    """What stands between the labels in one text, if their parts are fewer than the texts."""
    texts = _written(label)
    for separator in _SEPARATORS:
        parted = sum(count for value, count in texts.items() if separator in value)
        if parted * 10 >= label.present and len(_parts(label, separator)) < len(texts):
            return separator
    return None


def _written(label: Column) -> Mapping[str, int]:
    """The label's texts -> how often they occur; none if it was never written as text."""
    if label.form is not None:
        return label.written
    return label.values if label.kind is Kind.TEXT else {}


def _parts(label: Column, separator: str) -> list[str]:
    parted = [part.strip() for value in _written(label) for part in value.split(separator)]
    counts = Counter(part for part in parted if part)
    return sorted({*one_spelling(counts).values()}, key=lambda part: (part.casefold(), part))


def _add_parted_labels(draft: Draft, label: Column) -> None:
    separator = _separator(label) or _SEPARATORS[0]
    draft.labels = _parts(label, separator)
    if separator != _SEPARATORS[0]:
        draft.keys["options"] = {"separator": separator}
    draft.keys["metrics"] = ["micro_f1", "macro_f1"]


def in_known_order(names: Sequence[str]) -> list[str] | None:
    """The names in the order in which such degrees are known; None if they are not known."""
    by_text = {name.casefold().replace("_", " ").replace("-", " "): name for name in names}
    for order in _ORDERS:
        if set(by_text) <= set(order):
            return [by_text[word] for word in order if word in by_text]
    return None


def _add_class_metrics(draft: Draft, label: Column) -> None:
    counts = sorted(label.values.values())
    if counts[-1] < _IMBALANCED * counts[0]:
        draft.keys["metrics"] = ["accuracy", "macro_f1"]
        return
    draft.keys["metrics"] = ["macro_f1", "accuracy"]
    draft.notes["metrics"] = "accuracy says little, because some labels are rare"
    draft.advice.append("options: {class_weights: balanced}  # makes rare labels count as much as frequent ones")
