"""The JSON files of an encoder's folder, read with a bound on the memory that they take once they are parsed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_PARTS = 1_000_000  # lists, objects and texts in a file of settings: Python takes 150 bytes for each
MOST_PARTS_OF_VOCABULARY = 5_000_000  # the same, in a file with a vocabulary


def count_parts(name: str, content: bytes, most: int) -> None:
    """Refuse JSON that becomes very many objects of Python.

    Raises:
        ValueError: it has more than ``most`` lists, objects and texts.
    """
    parts = content.count(b"[") + content.count(b"{") + content.count(b'"') // 2
    if parts > most:
        raise ValueError(f"{name} has {parts:,} lists, objects and texts, where {most:,} are the most")


def read_settings(file: Path) -> dict[str, Any]:
    """The object in a JSON file of settings, as transformers reads it.

    Raises:
        ValueError: the file is not a JSON object, or has too many parts.
    """
    return parse_object(file.name, file.read_bytes(), MOST_PARTS)


def parse_object(
    name: str, content: bytes, most: int, hook: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> dict[str, Any]:
    """The object that JSON holds, in UTF-8: transformers and tokenizers read no other encoding.

    Args:
        name: what errors call it.
        content: the text.
        most: lists, objects and texts that it may have.
        hook: makes each object of its keys and values; None: a dictionary.

    Raises:
        ValueError: it is not a JSON object, or has too many parts.
    """
    count_parts(name, content, most)
    try:
        values = json.loads(content.decode(), object_pairs_hook=hook)
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is not valid JSON") from None
    if not isinstance(values, dict):
        raise ValueError(f"{name} is no JSON object")
    return values
