"""Long texts in windows, and the logits of windows as those of their row, as mtsmart makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtsmart.exporting.onnx.runtime.tokens import Inputs


def spans(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Windows of at most ``size`` positions over ``length``; all are full if there are several."""
    if length <= size:
        return [(0, length)]
    starts = [*range(0, length - size, size - overlap), length - size]
    return [(start, start + size) for start in starts]


def in_windows(row: Inputs, size: int, overlap: int, keeps_end: bool) -> tuple[list[Inputs], bool]:
    """A row's windows, and whether tokens are in none of them.

    Each window has the row's special tokens. Of a pair the longer text is split (of equally long ones the second), and
    each window holds the whole shorter one. If that fills more than half of a window, it is cut to half a window.

    Args:
        row: a whole row, with ``segments``: 0 on special tokens, 1 on the first text's, 2 on the second's.
        size: the most tokens of a window.
        overlap: tokens of the split text that neighbouring windows share at least.
        keeps_end: whether a text that is cut keeps its end.
    """
    if len(row["segments"]) <= size:
        return [row], False
    fitting = _with_short_text(row, size, keeps_end)
    segments = fitting["segments"]
    start, end = max(_place_of(segments, 2), _place_of(segments, 1), key=_length)
    room = size - (len(segments) - (end - start))
    windows = [
        {name: values[:start] + values[start + first : start + last] + values[end:] for name, values in fitting.items()}
        for first, last in spans(end - start, room, overlap)
    ]
    return windows, fitting is not row


def pooled(logits: Sequence[np.ndarray], pooling: str, scores: Sequence[np.ndarray] | None) -> np.ndarray:
    """The logits (C,) of a row.

    Args:
        logits: (C,) for each of its windows.
        pooling: ``mean``, ``max`` or ``attention``.
        scores: () for each window, whose softmax are the weights of attention.
    """
    stacked = np.stack(logits)
    if pooling == "max":
        found: np.ndarray = stacked.max(0)
        return found
    if scores is None:
        found = stacked.mean(0)
        return found
    powers = np.exp(np.stack(scores) - np.max(scores))
    found = powers @ stacked / powers.sum()
    return found


def _with_short_text(row: Inputs, size: int, keeps_end: bool) -> Inputs:
    """The row, in which the text that is not split fills half of a window at most; the same object if it does."""
    segments = row["segments"]
    start, end = min(_place_of(segments, 1), _place_of(segments, 2), key=_length)
    most = (size - segments.count(0)) // 2
    if end - start <= most:
        return row
    first = start if keeps_end else start + most
    last = end - most if keeps_end else end
    return {name: values[:first] + values[last:] for name, values in row.items()}


def _place_of(segments: Sequence[int], text: int) -> tuple[int, int]:
    """Where the tokens of a text stand, which is 1 or 2; an empty place if it has none."""
    count = segments.count(text)
    start = segments.index(text) if count else 0
    return start, start + count


def _length(place: tuple[int, int]) -> int:
    return place[1] - place[0]
