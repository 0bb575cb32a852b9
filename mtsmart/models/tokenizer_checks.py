"""Checks of a tokenizer, before any text goes through it.

A tokenizer is a small program: its steps replace, add and repeat text. A file of some KB can make more memory of one
letter than any machine has. So the most that the steps can make of one character is computed before they run.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

_MOST = 64  # times as many characters as there were; SentencePiece's own table makes 18 of one
_MOST_STEPS = 64
_MOST_SPECIALS = 128  # special tokens around a text
_MOST_ADDED = 100_000
_MOST_PADDED = 100_000
_BYTES = 4  # of a character in UTF-8
_SEQUENCES = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors"}
"""Part of a tokenizer -> the key under which a sequence of its steps stands."""

# Steps that give each character a fixed form, which does not grow again when another of them follows.
_PLAIN = {
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Lowercase",
    "Strip",
    "StripAccents",
    "BertNormalizer",
    "BertPreTokenizer",
    "Whitespace",
    "WhitespaceSplit",
    "Punctuation",
    "Digits",
    "UnicodeScripts",
    "CharDelimiterSplit",
    "Split",
    "FixedLength",
    "BertProcessing",
    "RobertaProcessing",
}
# One literal, class or set, repeated at least once: it never matches the empty text.
_TAKES_TEXT = re.compile(r"(?:[\w ]|\\[nrtsSdDwW]|\[[\w \\nrt]+\])(?:\+|\{[1-9]\d*(?:,\d*)?\})?")


def check_tokenizer_files(path: str) -> None:
    """Refuse a local folder whose tokenizer could fill the memory while it is loaded.

    Raises:
        ValueError: names the step or the setting.
    """
    if not Path(path).is_dir():
        return
    for file in sorted(Path(path).glob("tokenizer*.json")):
        if file.name != "tokenizer_config.json" and file.is_file():
            _check_state(_read(file))


def check_steps(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a loaded tokenizer whose steps could fill the memory; files of other kinds become such steps too.

    Raises:
        ValueError: names the step.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    steps = {name: getattr(backend, name, None) for name in _SEQUENCES}
    _check_growth({name: json.loads(step.__getstate__()) for name, step in steps.items() if step is not None})


def _read(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError(f"{file.name} is not valid JSON") from None
    if not isinstance(state, dict):
        raise ValueError(f"{file.name} is no JSON object")
    return state


def _check_state(state: Mapping[str, Any]) -> None:
    added = state.get("added_tokens")
    if isinstance(added, list) and len(added) > _MOST_ADDED:
        raise ValueError(f"its tokenizer adds {len(added):,} tokens, where {_MOST_ADDED:,} are the most")
    padding = state.get("padding")
    if isinstance(padding, dict):
        strategy = padding.get("strategy")
        fixed = strategy.get("Fixed") if isinstance(strategy, dict) else None
        for length in (fixed, padding.get("pad_to_multiple_of")):
            if isinstance(length, int) and length > _MOST_PADDED:
                raise ValueError(f"its tokenizer pads each text to {length:,} tokens")
    _check_growth(state)


def _check_growth(state: Mapping[str, Any]) -> None:
    growth = 1
    count = 0
    for name, key in _SEQUENCES.items():
        for step in _steps(state.get(name), key, 0):
            count += 1
            growth *= _growth(step, name)
            if growth > _MOST or count > _MOST_STEPS:
                what = f"{count} steps" if count > _MOST_STEPS else f"a {step['type']} step"
                raise ValueError(f"its tokenizer has {what} that could make more than {_MOST} characters of one")


def _steps(part: Any, key: str, depth: int) -> Iterator[dict[str, Any]]:
    """The single steps of a part, which may be a sequence of parts.

    Raises:
        ValueError: it is no part of a tokenizer.
    """
    if part is None:
        return
    if not isinstance(part, dict) or not isinstance(part.get("type"), str) or depth > _MOST_STEPS:
        raise ValueError("its tokenizer has a step without a type")
    if part["type"] != "Sequence":
        yield part
        return
    inner = part.get(key)
    for each in inner if isinstance(inner, list) else []:
        yield from _steps(each, key, depth + 1)


def _growth(step: dict[str, Any], part: str) -> int:
    """The most characters, or tokens, that a step makes of one.

    Raises:
        ValueError: it is of no known type, or adds too many tokens.
    """
    kind = step["type"]
    if kind in _PLAIN or (part == "post_processor" and kind == "ByteLevel"):  # which only corrects offsets
        return 1
    if kind not in _GROWTHS:
        raise ValueError(f"its tokenizer has a step of unknown type {kind!r}")
    return _GROWTHS[kind](step)


def _of_replace(step: dict[str, Any]) -> int:
    pattern = step.get("pattern")
    content = len(str(step.get("content", "")))
    if isinstance(pattern, dict) and isinstance(pattern.get("String"), str) and pattern["String"]:
        return max(1, -(-content // len(pattern["String"])))
    regex = pattern.get("Regex") if isinstance(pattern, dict) else None
    if isinstance(regex, str) and _TAKES_TEXT.fullmatch(regex):
        return max(1, content)
    return 1 + content  # A pattern that matches the empty text adds the content to each character.


def _of_precompiled(step: dict[str, Any]) -> int:
    """SentencePiece's table: 4 bytes with the size of a search tree, the tree, and texts that end with a NUL."""
    try:
        table = base64.b64decode(step.get("precompiled_charsmap") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("its tokenizer has a Precompiled step that cannot be read") from None
    texts = table[4 + int.from_bytes(table[:4], "little") :]
    return max(1, *(len(text.decode("utf-8", "replace")) for text in texts.split(b"\0")), 1)


def _of_template(step: dict[str, Any]) -> int:
    tokens = step.get("special_tokens")
    sizes = {name: len(token.get("ids", ())) for name, token in tokens.items()} if isinstance(tokens, dict) else {}
    most = 1
    for pieces in (step.get("single"), step.get("pair")):
        texts = dict[str, int]()
        specials = 0
        for piece in pieces if isinstance(pieces, list) else []:
            if "Sequence" in piece:
                name = str(piece["Sequence"].get("id"))
                texts[name] = texts.get(name, 0) + 1
            else:
                specials += sizes.get(piece.get("SpecialToken", {}).get("id"), 1)
        if specials > _MOST_SPECIALS:
            raise ValueError(f"its tokenizer puts {specials:,} special tokens around each text")
        most = max(most, *texts.values(), 1)
    return most


_GROWTHS: dict[str, Callable[[dict[str, Any]], int]] = {
    "Replace": _of_replace,
    "Precompiled": _of_precompiled,
    "Prepend": lambda step: 1 + len(str(step.get("prepend", ""))),
    "ByteLevel": lambda step: _BYTES,
    "Metaspace": lambda step: 2,
    "TemplateProcessing": _of_template,
}
