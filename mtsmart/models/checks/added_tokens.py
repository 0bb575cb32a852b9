"""The tokens that a folder adds to a vocabulary: each may stand in a text, and all of them are searched at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MOST = 100_000
_LONGEST = 1_000  # characters
_MOST_TEXT = 1_000_000  # characters of all: the search takes 70 bytes for each
_LARGEST_ID = 2_000_000  # transformers may make a token for each number below the largest
_SHOWN = 20  # digits
_TOKENS = ("_token", "_tokens")
_BY_ID = "added_tokens_decoder"


def check_added(contents: Iterable[str]) -> None:
    """Refuse tokens that are too many or too long.

    Raises:
        ValueError: says how many or how long.
    """
    contents = list(contents)
    if len(contents) > _MOST:
        raise ValueError(f"its tokenizer adds {len(contents):,} tokens, where {_MOST:,} are the most")
    lengths = list(map(len, contents))
    longest = max(lengths, default=0)
    if longest > _LONGEST:
        raise ValueError(f"its tokenizer has an added token of {longest:,} characters, where {_LONGEST:,} are the most")
    total = sum(lengths)
    if total > _MOST_TEXT:
        raise ValueError(f"its tokenizer adds tokens of {total:,} characters, where {_MOST_TEXT:,} are the most")


def check_added_settings(settings: Mapping[str, Any]) -> None:
    """Refuse settings of a tokenizer that add too many or too long tokens, or tokens with far too large numbers.

    Args:
        settings: tokenizer_config.json or special_tokens_map.json.

    Raises:
        ValueError: says how many, how long or which number.
    """
    check_added(text for key, value in settings.items() if _adds(key) for text in _texts(value))
    by_id = settings.get(_BY_ID)
    if isinstance(by_id, dict):
        check_ids(by_id)


def check_added_file(tokens: Mapping[str, Any]) -> None:
    """Refuse an added_tokens.json with too many or too long tokens, or with far too large numbers.

    Raises:
        ValueError: says how many, how long or which number.
    """
    check_added(tokens)
    check_ids(tokens.values())


def check_ids(ids: Iterable[Any]) -> None:
    """Refuse numbers of tokens that no vocabulary reaches; what is no number is not looked at.

    Raises:
        ValueError: names the number.
    """
    largest = max(map(_number, ids), default=0)
    if largest > _LARGEST_ID:
        shown = str(largest)[:_SHOWN]
        raise ValueError(f"its tokenizer adds a token with the number {shown}, where {_LARGEST_ID:,} is the largest")


def _number(value: Any) -> int:
    """As transformers reads it, from a text or a number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _adds(key: str) -> bool:
    return key.endswith(_TOKENS) or key == _BY_ID


def _texts(value: Any) -> Iterator[str]:
    """The tokens in a setting: a text, an object with a content, or many of these in a list or an object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and "content" in value:
        yield str(value["content"])
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
