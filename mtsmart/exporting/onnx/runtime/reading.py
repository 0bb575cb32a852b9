"""From rows to the inputs of an encoder, as the task types of mtsmart read them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tokenizers import Encoding

from mtsmart.exporting.onnx.runtime.tokens import AnswerError, Item, Row, Settings, Tokens
from mtsmart.exporting.onnx.runtime.windows import in_windows, spans
from mtsmart.text.beginnings import beginning, question_limit
from mtsmart.text.escaping import is_text

_PIECES = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")
_BLANKS = re.compile("[^\\S\u00a0\u2007\u202f]+")  # no-break spaces belong to the word around them


def read(task: Settings, rows: Sequence[Row], numbers: Iterable[int], tokens: Tokens) -> list[Item]:
    """What a task reads of some rows; those that lack a text, a word or a candidate are left out.

    Args:
        task: what ``tasks.json`` says of the task.
        rows: all rows.
        numbers: which of them.
        tokens: the tokenizer.

    Raises:
        AnswerError: a row has no such column, or a value of another kind.
    """
    reading = task["reading"]
    complete = {}
    for number in numbers:
        cells = {column: _cell(rows[number], column, number, task["empty"]) for column in task["columns"]}
        if not any(_is_lacking(value, column, reading, task["empty"]) for column, value in cells.items()):
            complete[number] = cells
    return _READERS[reading["kind"]](reading, complete, tokens) if complete else []


# The values of a row ------------------------------------------------------------------------------------------------


def _cell(row: Row, column: str, number: int, empty: Sequence[str]) -> Any:
    """A value; a missing one that may be empty is an empty text."""
    if column in row:
        value = row[column]
    elif "{" in column:
        value = _filled(row, column, number, empty)
    else:
        value = _nested(row, column, number)
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    return ("" if column in empty else None) if is_missing else value


def _nested(row: Row, name: str, number: int) -> Any:
    """The value at a path of names with dots between, which leads through mappings and lists of mappings."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        if (start := ".".join(parts[:count])) in row:
            return _part(row[start], parts[count:], name, number)
    raise _error("has no such column", number, name, sorted(row))


def _part(value: Any, path: Sequence[str], name: str, number: int) -> Any:
    if not path or value is None:
        return value
    if isinstance(value, list):
        return [_part(item, path, name, number) for item in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        raise _error(f"has no part '{path[0]}'", number, name, value)
    return _part(value[path[0]], path[1:], name, number)


def _filled(row: Row, template: str, number: int, empty: Sequence[str]) -> str | None:
    """A template such as ``"{a}: {b}"`` with the values of a row."""
    pieces = [piece for piece in _PIECES.split(template) if piece]
    names = [piece[1:-1].strip() for piece in pieces if _is_name(piece)]
    values = [_cell(row, name, number, empty) for name in names]
    if None in values or all(value == "" for value in values):
        return None if None in values else ""
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str | bool | int | float):
            raise _error(f"the column '{name}' has no text or number", number, template, value)
    texts = iter(value if isinstance(value, str) else json.dumps(value) for value in values)
    return "".join(next(texts) if _is_name(piece) else piece.replace("{{", "{").replace("}}", "}") for piece in pieces)


def _is_name(piece: str) -> bool:
    return piece.startswith("{") and piece.endswith("}") and bool(piece[1:-1].strip())


def _is_lacking(value: Any, column: str, reading: Settings, empty: Sequence[str]) -> bool:
    """Whether a value is missing, or a list that lacks a word or a candidate."""
    if value is None or (value == "" and column not in empty):
        return True
    if reading["kind"] == "words":
        return isinstance(value, list) and None in value
    items = _listed(value) if column in reading.get("lists", ()) else None
    absent = (None, "") if [column] == reading.get("candidates") else (None,)
    return items is not None and (not items or any(item in absent for item in items))


def _listed(value: Any) -> list[Any] | None:
    """A list, also from its JSON text; None if the value is no list."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def _texts(cells: Mapping[str, Any], columns: Iterable[str], number: int) -> list[str]:
    for column in columns:
        if not isinstance(cells[column], str):
            raise _error("is not a text", number, column, cells[column])
        _require_letters([cells[column]], number, column)
    return [cells[column] for column in columns]


def _require_letters(texts: Iterable[str], number: int, column: str) -> None:
    """Refuse half of a surrogate pair, which JSON can hold, and a tokenizer cannot."""
    for text in texts:
        if not is_text(text):
            raise _error("holds half of a surrogate pair, which is no text", number, column, text)


def _error(message: str, number: int, column: str, value: Any) -> AnswerError:
    shown = repr(value)
    return AnswerError(message, number + 1, column, shown if len(shown) < 80 else f"{shown[:77]}...")


# What each kind of task reads ---------------------------------------------------------------------------------------

Cells = Mapping[int, Mapping[str, Any]]
"""Number of a row -> column -> value, for complete rows."""


def _read_texts(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """A text, or a pair."""
    texts = [_texts(cells, reading["text"], number) for number, cells in rows.items()]
    framed = zip(rows, *tokens.framed(texts, reading["max_length"]), strict=True)
    return [Item([number], [inputs], is_cut=is_cut) for number, inputs, is_cut in framed]


def _read_windows(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """A text, or a pair, in overlapping windows where it is long."""
    texts = [_texts(cells, reading["text"], number) for number, cells in rows.items()]
    keeps_end = tokens.settings["truncation_side"] == "left"
    items = []
    for number, whole in zip(rows, tokens.framed(texts, None)[0], strict=True):
        windows, is_cut = in_windows(whole, reading["max_length"], reading["overlap"], keeps_end)
        items.append(Item([number], windows, is_cut=is_cut))
    return items


def _read_candidates(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """A text with each of several candidates."""
    items = []
    for number, cells in rows.items():
        texts = _texts(cells, reading["text"], number)
        candidates = _candidates(reading, cells, number)
        pairs = [[" ".join(texts), candidate] for candidate in candidates]
        mark = reading["placeholder"]
        if mark is not None:
            if mark not in texts[1]:
                raise _error(f"does not hold '{mark}'", number, reading["text"][1], texts[1])
            pairs = [[texts[0], texts[1].replace(mark, candidate)] for candidate in candidates]
        facts = {"candidates": candidates, "keys": _keys(reading["keys"], cells, number, len(candidates))}
        framed, is_cut = tokens.framed(pairs, reading["max_length"])
        items.append(Item([number], framed, facts, any(is_cut)))
    return items


def _candidates(reading: Settings, cells: Mapping[str, Any], number: int) -> list[str]:
    columns = reading["candidates"]
    if len(columns) > 1:
        return _texts(cells, columns, number)
    found = _listed(cells[columns[0]])
    if not found or not all(isinstance(candidate, str) and candidate for candidate in found):
        raise _error("is not a list of candidates", number, columns[0], cells[columns[0]])
    _require_letters(found, number, columns[0])
    return found


def _keys(column: str | None, cells: Mapping[str, Any], number: int, count: int) -> list[str] | None:
    if column is None:
        return None
    names = _listed(cells[column])
    if names is None or len(set(map(str, names))) != count:
        message = f"does not name the row's {count} candidates, each with another name"
        raise _error(message, number, column, cells[column])
    return list(map(str, names))


def _read_groups(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """The candidates of a query, which are rows of their own."""
    members: dict[Any, list[int]] = {}
    for number, cells in rows.items():
        key = cells[reading["group"]]
        if isinstance(key, list | dict):
            raise _error("is no name or number of a query", number, reading["group"], key)
        members.setdefault(key, []).append(number)
    items = []
    for numbers in members.values():
        pairs = [_texts(rows[number], reading["text"], number) for number in numbers]
        for number, pair in zip(numbers, pairs, strict=True):
            if pair[0] != pairs[0][0]:
                message = f"is another query than row {numbers[0] + 1} has with the same {reading['group']}"
                raise _error(message, number, reading["text"][0], pair[0])
        framed, is_cut = tokens.framed(pairs, reading["max_length"])
        items.append(Item(numbers, framed, is_cut=any(is_cut)))
    return items


def _read_words(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """Words, in overlapping windows where they are many. Each word is scored in one window."""
    (column,) = reading["text"]
    words = [_words(cells[column], column, number) for number, cells in rows.items()]
    encoded = tokens.words(words)
    return [_tagged(reading, *each, tokens) for each in zip(rows, words, encoded, strict=True)]


def _words(value: Any, column: str, number: int) -> list[str]:
    words = _split(value) if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _error("is not a list of words", number, column, value)
    _require_letters(words, number, column)
    return words


def _split(text: str) -> list[str] | None:
    """The words of a text: a JSON list, or what stands between blanks; None for what only looks like a list."""
    bare = text.strip()
    found = _listed(bare) if bare.startswith("[") else None
    if found is not None and all(isinstance(item, str) for item in found):
        return found
    has_numbers = found is not None and all(isinstance(item, int) for item in found)
    if not has_numbers and bare.startswith(('["', "['", '"["')):
        return None
    return [word for part in _BLANKS.split(text) if (word := part.strip())]


def _tagged(reading: Settings, number: int, words: list[str], encoding: Encoding, tokens: Tokens) -> Item:
    inputs = tokens.with_a_token({"input_ids": encoding.ids, "token_type_ids": encoding.type_ids})
    owners = encoding.word_ids or [None]
    own = [position for position, word in enumerate(owners) if word is not None]
    before = own[0] if own else len(owners)
    end = own[-1] + 1 if own else len(owners)
    runs: dict[int, tuple[int, int]] = {}
    for position, word in enumerate(owners):
        if word is not None:
            start = runs.get(word, (position - before, 0))[0]
            runs[word] = (start, position - before + 1)
    size = reading["max_length"] - before - (len(owners) - end)
    windows = spans(end - before, size, size // 4 if reading["overlap"] is None else reading["overlap"])
    scored_in = {word: _best_window(run, windows) for word, run in runs.items()}
    item = Item([number], [], {"words": words, "scored": []})
    for window, (start, stop) in enumerate(windows):
        kept = [*range(before), *range(before + start, before + stop), *range(end, len(owners))]
        item.sequences.append({name: [values[place] for place in kept] for name, values in inputs.items()})
        scored = {runs[word][0] - start + before: word for word, place in scored_in.items() if place == window}
        item.facts["scored"].append(scored)
    return item


def _best_window(run: tuple[int, int], windows: Sequence[tuple[int, int]]) -> int:
    """The window with most text on the side of a word where there is less of it."""
    holding = [place for place, (start, end) in enumerate(windows) if start <= run[0] < end]
    return max(holding, key=lambda place: min(run[0] - windows[place][0], windows[place][1] - run[1]))


def _read_spans(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """A question with its context, in windows over the context.

    A question that leaves no room for the context is cut. A context without a word is left out.
    """
    items = []
    whole = reading["max_length"] - tokens.around_pairs
    for number, cells in rows.items():
        question, context = _texts(cells, reading["text"], number)
        room = whole - len(tokens.ends(question))
        is_cut = room <= reading["stride"]
        if whole <= reading["stride"]:
            message = f"leaves room for {max(room, 0)} tokens of the context, and windows share {reading['stride']}"
            raise _error(message, number, reading["text"][0], question)
        if is_cut:
            question = beginning(question, question_limit(whole, reading["stride"]), tokens.ends)
        windows = tokens.windows([question, context], reading["max_length"], reading["stride"])
        facts = [_window(window, context, tokens) for window in windows]
        if all(start == end for each in facts for start, end in each["offsets"]):
            continue
        sequences = [{"input_ids": window.ids, "token_type_ids": window.type_ids} for window in windows]
        items.append(Item([number], sequences, {"context": context, "windows": facts}, is_cut))
    return items


def _window(encoding: Encoding, context: str, tokens: Tokens) -> dict[str, Any]:
    """Where the context's tokens are, their characters, and the token that stands for "no answer"."""
    owners = encoding.sequence_ids
    first = owners.index(1) if 1 in owners else 0
    offsets = [_trimmed(context, *pair) for pair in encoding.offsets[first : first + owners.count(1)]]
    special = [token if owner is None else None for token, owner in zip(encoding.ids, owners, strict=True)]
    wanted = [token for token in tokens.settings["cls"] if token in special]
    return {"first": first, "offsets": offsets, "cls": special.index(wanted[0]) if wanted else 0}


def _trimmed(context: str, start: int, end: int) -> tuple[int, int]:
    while start < end and context[start].isspace():
        start += 1
    while start < end and context[end - 1].isspace():
        end -= 1
    return start, end


def _read_masks(reading: Settings, rows: Cells, tokens: Tokens) -> list[Item]:
    """A text with masks to fill, in parts where it is long."""
    items = []
    for number, cells in rows.items():
        (text,) = _texts(cells, reading["text"], number)
        sequences = []
        for part in tokens.windows([text], reading["max_length"], 0):
            positions = [place for place, token in enumerate(part.ids) if token == tokens.settings["mask"]]
            sequences.append({"input_ids": part.ids, "token_type_ids": part.type_ids, "positions": positions})
        if not any(inputs["positions"] for inputs in sequences):
            raise _error("has no mask token to fill", number, reading["text"][0], text)
        items.append(Item([number], sequences))
    return items


_READERS: dict[str, Callable[[Settings, Cells, Tokens], list[Item]]] = {
    "texts": _read_texts,
    "windows": _read_windows,
    "candidates": _read_candidates,
    "groups": _read_groups,
    "words": _read_words,
    "spans": _read_spans,
    "masks": _read_masks,
}
