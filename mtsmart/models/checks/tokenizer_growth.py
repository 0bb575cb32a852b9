"""The most that the steps of a tokenizer make of one character, computed before they run.

The weight of a text is its length after NFKD. Weights of parts add up. No normal form raises a weight, in whatever
order and however often normal forms follow each other, and the same is true of the steps that lower, strip or remove
characters. So these steps count as 1. Every other step counts as the most weight that it makes of weight 1, and what it
inserts has its weight, not its length. The product of all steps is the most that they make of a character, if NFKD
leaves that character alone. NFKD makes up to 18 characters of the others, whoever wrote the tokenizer.

Decoders turn tokens into text, and no normal form is among them. The same product is their bound for each character of
a token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tokenizers import normalizers

from mtsmart.models.checks.patterns import takes_text

# Times as much as there was. SentencePiece's own table and the blanks after it make 36 times; BERT's normal form after
# a pattern that becomes a word of 45 letters makes 135 times.
_MOST = 256
_MOST_STEPS = 64
_MOST_SPECIALS = 128  # special tokens around a text
_MOST_TABLE = 4_000_000  # characters of SentencePiece's table in base 64; its usual one has 320,000
_BYTES = 4  # of a character in UTF-8
_BYTE_WEIGHT = 3  # of the character that stands for a byte
_ENCODING = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors"}
_DECODING = {"decoder": "decoders"}
PARTS = (*_ENCODING, *_DECODING)
"""The parts of a tokenizer that are steps, or sequences of steps."""

# Steps that raise no weight.
_PLAIN = {
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Lowercase",
    "Strip",
    "StripAccents",
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
    "Fuse",
    "ByteFallback",
}
# Steps that only correct offsets, or undo what a step of the same name does, where they stand in these parts.
_PLAIN_IN = {("post_processor", "ByteLevel"), ("decoder", "ByteLevel"), ("decoder", "Metaspace")}
_NORMAL_FORM = normalizers.NFKD()


def check_growth(state: Mapping[str, Any]) -> None:
    """Refuse steps that could fill the memory.

    Args:
        state: part of a tokenizer -> its step, as tokenizer.json has them. Other keys do not matter.

    Raises:
        ValueError: names the step.
    """
    _check_parts(state, _ENCODING)
    _check_parts(state, _DECODING)


def tables(state: Mapping[str, Any]) -> set[str]:
    """The tables of SentencePiece among the steps, in base 64: the only long texts that a tokenizer has.

    Raises:
        ValueError: a table is far too large, or a step is no step.
    """
    steps = list(_steps(state.get("normalizer"), "normalizers", 0))
    found = {step["precompiled_charsmap"] for step in steps if isinstance(step.get("precompiled_charsmap"), str)}
    longest = max(map(len, found), default=0)
    if longest > _MOST_TABLE:
        raise ValueError(f"its tokenizer has a table of {longest:,} characters, where {_MOST_TABLE:,} are the most")
    return found


def _check_parts(state: Mapping[str, Any], sequences: Mapping[str, str]) -> None:
    growth = 1
    growing = list[str]()
    steps = ((name, step) for name, key in sequences.items() for step in _steps(state.get(name), key, 0))
    for count, (name, step) in enumerate(steps, 1):
        if count > _MOST_STEPS:
            raise ValueError(f"its tokenizer has more than {_MOST_STEPS} steps")
        times = _growth(step, name)
        if times == 1:
            continue
        growth *= times
        growing.append(f"{step['type']} ({times:,} times)")
        if growth > _MOST:
            what = f"steps that together could make {growth:,} characters of one, where {_MOST} are the most"
            raise ValueError(f"its tokenizer has {what}: {', '.join(growing)}")


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
    """The most weight, or tokens, that a step makes of one.

    Raises:
        ValueError: it is of no known type, or adds too many tokens.
    """
    kind = step["type"]
    if kind in _PLAIN or (part, kind) in _PLAIN_IN:
        return 1
    if kind not in _GROWTHS:
        raise ValueError(f"its tokenizer has a step of unknown type {kind!r}")
    return _GROWTHS[kind](step)


def _weight(text: Any) -> int:
    """The length of a text after NFKD."""
    return len(_NORMAL_FORM.normalize_str(str(text).encode(errors="replace").decode()))


def _of_replace(step: dict[str, Any]) -> int:
    pattern = step.get("pattern")
    content = _weight(step.get("content", ""))
    if isinstance(pattern, dict) and isinstance(pattern.get("String"), str) and pattern["String"]:
        return max(1, -(-content // len(pattern["String"])))
    regex = pattern.get("Regex") if isinstance(pattern, dict) else None
    if isinstance(regex, str) and takes_text(regex):
        return max(1, content)
    return 1 + 2 * content  # A pattern that matches the empty text adds the content before and after a character.


def _of_precompiled(step: dict[str, Any]) -> int:
    """SentencePiece's table: 4 bytes with the size of a search tree, the tree, and texts that end with a NUL."""
    try:
        table = base64.b64decode(step.get("precompiled_charsmap") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("its tokenizer has a Precompiled step that cannot be read") from None
    texts = table[4 + int.from_bytes(table[:4], "little") :].decode("utf-8", "replace")
    return max(1, *map(len, _NORMAL_FORM.normalize_str(texts).split("\0")))


def _of_template(step: dict[str, Any]) -> int:
    try:
        return max(1, *(_of_pieces(step.get(name) or [], step.get("special_tokens") or {}) for name in _TEMPLATES))
    except (AttributeError, KeyError, TypeError):
        raise ValueError("its tokenizer has a TemplateProcessing step that cannot be read") from None


def _of_pieces(pieces: list[dict[str, Any]], tokens: dict[str, Any]) -> int:
    """How often a template has the same text.

    Raises:
        ValueError: it has too many special tokens.
    """
    texts = dict[str, int]()
    specials = 0
    for piece in pieces:
        if "Sequence" in piece:
            name = str(piece["Sequence"].get("id"))
            texts[name] = texts.get(name, 0) + 1
        else:
            token = tokens.get(piece["SpecialToken"]["id"], {})
            specials += max(1, *(len(token.get(key, ())) for key in ("ids", "tokens")))
    if specials > _MOST_SPECIALS:
        raise ValueError(f"its tokenizer puts {specials:,} special tokens around each text")
    return max(texts.values(), default=1)


def _of_marker(marker: Any) -> int:
    """Of a decoder that puts a blank in place of a marker: the empty marker stands on both sides of each character."""
    return 1 if marker else 3


_TEMPLATES = ("single", "pair")
_GROWTHS: dict[str, Callable[[dict[str, Any]], int]] = {
    "Replace": _of_replace,
    "Precompiled": _of_precompiled,
    "Prepend": lambda step: 1 + _weight(step.get("prepend", "")),
    "BertNormalizer": lambda step: 1 if step.get("handle_chinese_chars") is False else 3,  # a blank on both sides
    "ByteLevel": lambda step: 1 + _BYTES * _BYTE_WEIGHT,  # and a blank before it
    "Metaspace": lambda step: 2,
    "TemplateProcessing": _of_template,
    "WordPiece": lambda step: 2,  # a blank before each token
    "BPEDecoder": lambda step: _of_marker(step.get("suffix")),
    "CTC": lambda step: _of_marker(step.get("word_delimiter_token")),
}
