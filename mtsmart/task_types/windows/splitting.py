"""Rows of tokens as windows, where they are longer than the encoder reads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows, note_cut, noting_cuts
from mtsmart.data.tokenizing import frame_of, tokenize
from mtsmart.errors import ConfigError
from mtsmart.task_types.shared.words import Span, WordTokens, windows
from mtsmart.task_types.windows.options import Windows

_UNCUT = 2**40  # tokens
_SEGMENTS = "segments"
_Row = dict[str, list[int]]


def split_rows(
    columns: Sequence[Sequence[str]],
    tokenizer: PreTrainedTokenizerBase,
    settings: Windows,
    task: str,
    segments: bool = False,
) -> Rows:
    """Token columns of N texts or pairs, in which each row is a list of one or several windows.

    Each window has the special tokens of the whole row. Of a pair the longer text is split (of equally long ones the
    second), and each window holds the whole shorter one. If that fills more than half of a window, it is cut to half
    a window, and :func:`note_cut` gets to know the row.

    Args:
        columns, tokenizer, segments: as for :func:`mtsmart.data.tokenizing.tokenize`.
        settings: the windows.
        task: the task's name, for errors.

    Raises:
        ConfigError: the overlap leaves no room for new tokens in a window.
    """
    _require_room(settings, frame_of(tokenizer, len(columns)).specials, task)
    with noting_cuts():  # Nothing is cut in this call.
        whole = tokenize(columns, tokenizer, _UNCUT, segments=True)
    keeps_end = tokenizer.truncation_side == "left"
    split: Rows = {name: [] for name in whole if segments or name != _SEGMENTS}
    is_cut = np.zeros(len(whole["input_ids"]), dtype=bool)
    for number, row in enumerate(_each(whole)):
        fitting = row
        if len(row[_SEGMENTS]) > settings.size:
            fitting = _with_short_text(row, settings.size, keeps_end)
            is_cut[number] = fitting is not row
        found = _windows_of(fitting, settings)
        for name, rows in split.items():
            rows.append([window[name] for window in found])
    note_cut(is_cut)
    return split


def _each(columns: Rows) -> Iterator[_Row]:
    return (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _require_room(settings: Windows, specials: Sequence[Sequence[int]], task: str) -> None:
    """Refuse an overlap that fills the part of a window that the split text surely has."""
    texts = len(specials) - 1
    room = settings.size - sum(map(len, specials))
    sure = room if texts == 1 else room - room // 2
    if settings.overlap < sure:
        return
    half = "" if texts == 1 else ", half of which the other text of a pair may fill"
    message = f"leaves no room for new tokens in windows of {settings.size} tokens{half}"
    hint = f"Give at most {sure - 1}, or raise max_length" if sure > 0 else "Raise max_length"
    raise ConfigError(message, key=f"{task}.options.windows.overlap", value=settings.overlap, hint=hint)


def _run_of(segments: Sequence[int], text: int) -> Span:
    """Where the tokens of a text stand, which is 1 or 2; an empty span if it has none."""
    count = segments.count(text)
    start = segments.index(text) if count else 0
    return Span(start, start + count)


def _length(span: Span) -> int:
    return span.end - span.start


def _long_text(segments: Sequence[int]) -> Span:
    """The text that is split."""
    return max(_run_of(segments, 2), _run_of(segments, 1), key=_length)


def _with_short_text(row: _Row, size: int, keeps_end: bool) -> _Row:
    """The row, in which the text that is not split fills half of a window at most; the same object if it does."""
    segments = row[_SEGMENTS]
    short = min(_run_of(segments, 1), _run_of(segments, 2), key=_length)
    most = (size - segments.count(0)) // 2
    if _length(short) <= most:
        return row
    dropped = Span(short.start, short.end - most) if keeps_end else Span(short.start + most, short.end)
    return {name: values[: dropped.start] + values[dropped.end :] for name, values in row.items()}


def _windows_of(row: _Row, settings: Windows) -> list[_Row]:
    """The row's windows; the row alone if it fits into one."""
    length = len(row[_SEGMENTS])
    if length <= settings.size:
        return [row]
    text = _long_text(row[_SEGMENTS])
    tokens = WordTokens(row, text.start, length - text.end, {})
    spans = windows(len(tokens), settings.size - tokens.specials, settings.overlap)
    return [tokens.window(span) for span in spans]
