"""The beginning of a text that has not too many tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def beginning(text: str, limit: int, ends_of: Callable[[str], Sequence[int]]) -> str:
    """The longest beginning that ends with a token of the text, and has at most ``limit`` tokens itself.

    Cut off, a beginning may have more tokens than the text has up to there. So shorter ones are tried, too.

    Args:
        text: the text.
        limit: the most tokens.
        ends_of: text -> where each of its tokens ends.
    """
    ends = ends_of(text)
    if len(ends) <= limit:
        return text
    parts = (text[:end] for end in reversed(ends[: max(limit, 0)]))
    return next((part for part in parts if len(ends_of(part)) <= limit), "")


def question_limit(room: int, stride: int) -> int:
    """The tokens of a question that is cut: half of a window, but less where the windows would have nothing new.

    Args:
        room: tokens of a window besides special ones.
        stride: tokens of the context that neighbouring windows share.
    """
    return min(room // 2, room - stride - 1)
