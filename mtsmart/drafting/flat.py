"""Tasks with one label in a row: which columns are read, which one is the label, and what kind of label it is."""

from __future__ import annotations

from collections.abc import Sequence

from mtsmart.drafting.columns import Column, Kind
from mtsmart.drafting.draft import Draft, Given, Seen
from mtsmart.drafting.questions import Answer, Ask, Question, choose
from mtsmart.errors import ConfigError, did_you_mean

_PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2"),
    ("text_a", "text_b"), ("sentence_a", "sentence_b"), ("question", "sentence"), ("question", "passage"),
    ("question", "context"), ("query", "document"), ("query", "passage"), ("title", "body"), ("subject", "body"),
    ("headline", "body"), ("title", "text"), ("title", "description"), ("source", "target"),
)  # fmt: skip
_LABEL_WORDS = (
    "label", "labels", "class", "category", "target", "sentiment", "intent", "topic", "gold_label", "rating", "stars",
    "score", "similarity", "grade", "y", "emotion", "polarity", "toxicity", "answer", "relatedness_score",
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
_IMBALANCED = 5  # times as many rows of the most frequent label as of the rarest


def flat(seen: Seen, given: Given, ask: Ask) -> Draft:
    """The draft of a task with one label, or of masked language modelling where no column can be a label.

    Raises:
        ConfigError: no column can be read, or the user names one that is not there.
    """
    label = _label(seen, given, ask)
    text = _text(seen, given, label, ask)
    if label is None:
        draft = Draft("masked_lm", text[:1])
        draft.notes["task_type"] = "no column can be a label, so words are hidden and guessed, as an auxiliary task"
        return draft
    return _of_label(text, label, given, ask)


def _label(seen: Seen, given: Given, ask: Ask) -> Column | None:
    if given.label is not None:
        return named(seen, given.label, "label")
    if given.task_type == "masked_lm":
        return None
    found = [column for column in seen.columns.values() if _may_be_label(column)]
    found.sort(key=_rank_of_label)
    best = [column for column in found if _rank_of_label(column)[0] == _rank_of_label(found[0])[0]] if found else []
    answers = [Answer(column, f"{column.name} ({_shown_values(column)})") for column in best]
    if len(answers) > 1:
        answers.append(Answer(None, "none: the texts have no label"))
    question = Question("Which column is the label?", answers, "--label")
    return choose(ask, question) if answers else None


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
    return is_few and not column.is_prose


def _rank_of_label(column: Column) -> tuple[int, int]:
    """Names that speak of labels come first, then columns with few values."""
    name = column.name.casefold()
    if name in _LABEL_WORDS:
        return 0, _LABEL_WORDS.index(name)
    if any(name.endswith(word) or name.startswith(word) for word in _LABEL_WORDS if len(word) > 1):
        return 1, len(column.values)
    return 2, len(column.values)


def _shown_values(column: Column) -> str:
    names = column.names
    if column.is_cut or len(names) > 6:
        ends = f"{names[0]} to {names[-1]}" if column.kind is Kind.NUMBER else f"{names[0]}, {names[1]} ..."
        return f"{len(names):,} values: {ends}"
    return ", ".join(names)


def _text(seen: Seen, given: Given, label: Column | None, ask: Ask) -> list[str]:
    if given.text is not None:
        return [named(seen, name, "text").name for name in given.text]
    texts = [column for column in seen.columns.values() if column is not label and column.is_prose]
    if not texts:
        texts = [column for column in seen.columns.values() if column is not label and column.kind is Kind.TEXT]
        texts = [column for column in texts if not column.is_id]
    if not texts:
        hint = "Say it with --text"
        raise ConfigError(f"no column holds texts (columns: {', '.join(seen.columns)})", argument="source", hint=hint)
    chosen: list[str] = choose(ask, Question("Which columns are read?", _text_answers(texts), "--text"))
    return chosen


def _text_answers(texts: Sequence[Column]) -> list[Answer]:
    """A known pair first; then the longest texts, alone and in pairs."""
    by_name = {column.name.casefold(): column.name for column in texts}
    pairs = [[by_name[first], by_name[second]] for first, second in _PAIRS if {first, second} <= by_name.keys()]
    if pairs:
        known = Answer(pairs[0], f"{pairs[0][0]} and {pairs[0][1]}, as a pair")
        others = [Answer([column.name], column.name) for column in texts]
        return [known] if len(texts) == 2 else [known, *others]
    ranked = sorted(texts, key=lambda column: (column.name.casefold() not in _TEXT_WORDS, -column.mean_words))
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
    elif task_type == "ordinal":
        draft.labels = in_known_order(label.names) or label.names
        draft.keys["metrics"] = ["quadratic_kappa", "accuracy"]
    else:
        draft.labels = label.names
        _add_class_metrics(draft, label)
    return draft


def _types(label: Column) -> list[Answer]:
    """The kinds of task that the values of a label allow, the likeliest first."""
    names = label.names
    classes = Answer("classification", f"classes without an order: {_shown_values(label)}")
    degrees = Answer("ordinal", f"degrees in this order: {', '.join((in_known_order(names) or names)[:_MOST_DEGREES])}")
    amount = Answer("regression", "an amount, of which other values may occur")
    if label.kind is not Kind.NUMBER:
        return [degrees, classes] if in_known_order(names) and len(names) > 2 else [classes]
    if not label.is_whole or len(names) > _MOST_CLASSES:
        return [amount] if len(names) > _MOST_DEGREES else [amount, degrees]
    if len(names) == 2:
        return [classes]
    word = label.name.casefold()
    if len(names) > _MOST_DEGREES:
        return [amount, classes] if any(each in word for each in _AMOUNTS) else [classes, amount]
    if any(each in word for each in _DEGREES):
        return [degrees, amount, classes]
    return [amount, degrees, classes] if any(each in word for each in _AMOUNTS) else [classes, degrees, amount]


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
