"""Checks of a tokenizer, before any text goes through it.

A tokenizer is a small program, and a file of some KB can make more memory of one letter than any machine has. So all
that takes part in this has a bound: what the steps make of a text, each text that the tokenizer holds, and its numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

from mtsmart.models.checks.added_tokens import check_added, check_added_file, check_added_settings, check_ids
from mtsmart.models.checks.merges import check_merges
from mtsmart.models.checks.parsing import MOST_PARTS, MOST_PARTS_OF_VOCABULARY, parse_object, read_settings
from mtsmart.models.checks.search_tree import check_pieces, check_sentencepiece
from mtsmart.models.checks.tokenizer_growth import PARTS, check_growth, tables

# Honest tokenizers stay far below all of these. Their longest pieces are runs of 128 blanks, and the largest
# vocabularies, of 260,000 pieces and 500,000 merges, have 7 million characters.
_LONGEST = 1_000  # characters of any text: a piece, a merge, what a step inserts
_LONGEST_MARK = 128  # characters of a text that may stand for a single character
_MOST_TEXT = 25_000_000  # characters of all texts
_SMALL_FILE = 4_000_000  # bytes: one that is smaller cannot make much
_MOST_PADDED = 100_000
_MOST_WORD = 1_000  # characters of a word that a model takes; its time grows with their square
_MOST_OVERLAP = 64  # windows that have the same token
_ESCAPED = 6  # the most characters that JSON writes for one, as in \u0000
_FILES = "tokenizer*.json"
_WHOLE = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_SPECIAL = "special_tokens_map.json"
_ADDED = "added_tokens.json"
_VOCABULARY = "vocab.json"
# transformers notes these when it saves a tokenizer, and replaces them when it loads one.
_NOTED = ("tokenizer_file", "special_tokens_map_file", "tokenizer_config_file", "added_tokens_file")
# A text under one of these keys is the name of a file.
_NAMES_A_FILE = re.compile(r".*_file|vocab|merges|source_spm|target_spm")
# These become arguments of libraries that split Japanese text, and name dictionaries there.
_OF_LIBRARIES = ("mecab_kwargs", "sudachi_kwargs", "jumanpp_kwargs")
_PADDED_WITH = ("pad_token", "unk_token")
_BLANKS = " \u2581\u0120"  # what stands for a blank in the tokens of SentencePiece and of GPT-2
_MARKS = ("unk_token", "continuing_subword_prefix", "end_of_word_suffix")
_ONCE = ("model", "vocab", "merges", "added_tokens")
"""Keys of tokenizer.json that make large objects, each time that they are there."""


def check_tokenizer_class(file: str, name: Any) -> None:
    """Refuse the name of a class that is no tokenizer: transformers would let that class read the folder.

    Args:
        file: the file that has the name.
        name: the value of its ``tokenizer_class``.

    Raises:
        ValueError: names the file and the class.
    """
    if name is None:
        return
    found = tokenizer_class_from_name(name) if isinstance(name, str) else name
    is_missing = found is None or hasattr(found, "_backends")  # Loading it says which package is missing.
    if not is_missing and not (isinstance(found, type) and issubclass(found, PreTrainedTokenizerBase)):
        raise ValueError(f"{file} has tokenizer_class {name!r}, which is no tokenizer")


def check_tokenizer_files(folder: Path) -> None:
    """Refuse a local folder whose tokenizer could fill the memory while it is loaded, or names other files.

    Raises:
        ValueError: names the step, the text or the setting.
    """
    for file in _files(folder, _FILES):
        content = file.read_bytes()
        if file.name == _CONFIG:
            _check_config(_parse(file.name, content, MOST_PARTS), folder)
        else:
            _check_state(_parse(file.name, content, MOST_PARTS_OF_VOCABULARY), content)
    for file in _files(folder, _SPECIAL):
        _check_special_tokens(read_settings(file))
    for file in _files(folder, _ADDED):
        check_added_file(read_settings(file))
    for file in _files(folder, _VOCABULARY):
        content = file.read_bytes()
        vocab = _parse(file.name, content, MOST_PARTS_OF_VOCABULARY)
        _check_all_texts({"vocab": vocab}, content)
        check_merges(vocab)
    for file in _files(folder, "*.model", "*.spm"):
        check_sentencepiece(file, is_needed=not (folder / _WHOLE).is_file())


def check_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a loaded tokenizer that could fill the memory; files of other kinds become such tokenizers too.

    Raises:
        ValueError: names the step, the text or the setting.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return
    steps = {name: getattr(backend, name) for name in PARTS}
    check_growth({name: json.loads(step.__getstate__()) for name, step in steps.items() if step is not None})
    longest = _longest_string(backend.model.__getstate__())
    if longest > _ESCAPED * _LONGEST:
        _refuse_text(longest)
    _check_model({name: getattr(backend.model, name, None) for name in (*_MARKS, "max_input_chars_per_word")})
    for name in _PADDED_WITH:
        _check_mark(name, getattr(tokenizer, name))
    check_added([token.content for token in backend.get_added_tokens_decoder().values()])


def check_words(tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a loaded tokenizer that knows special tokens alone. Every text would be the same to it.

    Raises:
        ValueError: says what to do.
    """
    no_words = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    if not any(word not in no_words and word.strip(_BLANKS) for word in tokenizer.get_vocab()):
        message = "its tokenizer has special tokens and no words, as transformers makes one where a file is missing"
        raise ValueError(f"{message}; copy the right tokenizer's files, such as tokenizer.json, into the folder")


def _files(folder: Path, *patterns: str) -> list[Path]:
    return sorted(file for pattern in patterns for file in folder.glob(pattern) if file.is_file())


def _parse(name: str, content: bytes, most: int) -> dict[str, Any]:
    doubled = list[str]()

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        part = dict(pairs)
        if len(part) < len(pairs):
            keys = [key for key, _ in pairs]
            doubled.extend(key for key in _ONCE if keys.count(key) > 1)
        return part

    # The hook takes time, and a smaller file cannot make much even if its largest part is there twice.
    state = parse_object(name, content, most, once if len(content) > _SMALL_FILE else None)
    if doubled:
        raise ValueError(f"{name} has {doubled[0]!r} more than once")
    return state


def _check_config(config: Mapping[str, Any], folder: Path) -> None:
    """What it may put in the place of tokenizer.json, or of parts of it. It names no other file than the folder's own.

    Raises:
        ValueError: names the setting.
    """
    check_tokenizer_class(_CONFIG, config.get("tokenizer_class"))
    if config.get("init_inputs"):
        raise ValueError(f"{_CONFIG} has init_inputs, which are not read")
    _check_keys({key: value for key, value in config.items() if key not in _NOTED})
    check_pieces(config.get("vocab"))
    check_added_settings(config)
    names = config.get("fast_tokenizer_files") or []
    for name in names if isinstance(names, list) else [names]:
        if not isinstance(name, str) or "/" in name or "\\" in name or not fnmatch(name, _FILES):
            raise ValueError(f"{_CONFIG} names the file {str(name)[:_LONGEST_MARK]!r}, which is no {_FILES} beside it")
        if not (folder / name).is_file():  # transformers would read other files than tokenizer.json then.
            raise ValueError(f"{_CONFIG} names the file {name}, which is not in the folder")


def _check_keys(settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if isinstance(value, str) and _NAMES_A_FILE.fullmatch(key):
            raise ValueError(f"{_CONFIG} has {key} {value!r}, where a file must not name another")
        if value and key in _OF_LIBRARIES:
            raise ValueError(f"{_CONFIG} has {key}, which are not read")
        if isinstance(value, dict) and key.endswith("_kwargs"):  # They become arguments of a library.
            _check_keys(value)


def _check_special_tokens(settings: Mapping[str, Any]) -> None:
    """Refuse a map of special tokens with other settings: transformers lets them overrule its own."""
    for key in settings:
        if not key.endswith(("_token", "_tokens")):
            raise ValueError(f"{_SPECIAL} has {key}, where only special tokens can stand")
    check_added_settings(settings)


def _check_state(state: Mapping[str, Any], content: bytes) -> None:
    """All of a tokenizer.json, which was parsed from ``content``.

    Raises:
        ValueError: names the step, the text or the setting.
    """
    _check_all_texts(state, content)
    model = state.get("model")
    if isinstance(model, dict):
        _check_model(model)
        vocab = model.get("vocab")
        check_pieces(vocab)
        if isinstance(vocab, dict):
            check_merges(vocab)
    added = state.get("added_tokens")
    if isinstance(added, list):
        tokens = [token for token in added if isinstance(token, dict)]
        check_added(str(token.get("content")) for token in tokens)
        check_ids(token.get("id") for token in tokens)
    _check_padding(state.get("padding"))
    _check_truncation(state.get("truncation"))
    check_growth(state)


def _check_all_texts(state: Mapping[str, Any], content: bytes) -> None:
    """The length of every text in ``state``, which was parsed from ``content``, and of all together."""
    # A text never has more characters than bytes, so bytes that keep the bounds need no closer look. That takes longer.
    if _longest_string(content) > _LONGEST or len(content) > _MOST_TEXT:
        _check_texts(state, tables(state))


def _check_texts(state: Mapping[str, Any], tables: set[str]) -> None:
    """The length of every text, keys of objects included, and of all together; one level of nesting after the other."""
    total = 0
    level: list[Any] = [state]
    while level:
        objects = [part for part in level if isinstance(part, dict)]
        lists = (part for part in level if isinstance(part, list))
        texts = list(chain.from_iterable(objects))
        values = list(chain(chain.from_iterable(part.values() for part in objects), chain.from_iterable(lists)))
        level = []
        if set(map(type, values)) & {str, dict, list}:
            texts += [value for value in values if isinstance(value, str) and value not in tables]
            level = [value for value in values if isinstance(value, dict | list)]
        lengths = list(map(len, texts))
        total += sum(lengths)
        longest = max(lengths, default=0)
        if longest > _LONGEST:
            _refuse_text(longest)
    if total > _MOST_TEXT:
        raise ValueError(f"its tokenizer has {total:,} characters of text, where {_MOST_TEXT:,} are the most")


def _refuse_text(length: int) -> None:
    raise ValueError(f"its tokenizer has a text of {length:,} characters, where {_LONGEST:,} are the most")


def _longest_string(state: bytes) -> int:
    """The bytes of the longest string in valid JSON; parsing all of it would take five times as long."""
    plain = state.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    quotes = np.flatnonzero(np.frombuffer(plain, np.uint8) == ord('"'))
    return int((quotes[1::2] - quotes[::2]).max(initial=1)) - 1


def _check_model(model: Mapping[str, Any]) -> None:
    for name in _MARKS:
        _check_mark(name, model.get(name))
    word = model.get("max_input_chars_per_word")
    if isinstance(word, int) and word > _MOST_WORD:
        raise ValueError(f"its tokenizer has max_input_chars_per_word {word:,}, where {_MOST_WORD:,} are the most")


def _check_mark(name: str, mark: Any) -> None:
    if isinstance(mark, str) and len(mark) > _LONGEST_MARK:
        most = f"where {_LONGEST_MARK} are the most"
        raise ValueError(f"its tokenizer has {name} of {len(mark):,} characters, {most}")


def _check_padding(padding: Any) -> None:
    if not isinstance(padding, dict):
        return
    strategy = padding.get("strategy")
    fixed = strategy.get("Fixed") if isinstance(strategy, dict) else None
    for length in (fixed, padding.get("pad_to_multiple_of")):
        if isinstance(length, int) and length > _MOST_PADDED:
            raise ValueError(f"its tokenizer pads each text to {length:,} tokens")
    _check_mark("pad_token", padding.get("pad_token"))


def _check_truncation(truncation: Any) -> None:
    """What is cut off comes in windows, each of which begins with the last tokens of the one before it."""
    if not isinstance(truncation, dict):
        return
    length = truncation.get("max_length")
    stride = truncation.get("stride")
    if isinstance(length, int) and isinstance(stride, int) and length > _MOST_OVERLAP * max(length - stride, 0):
        raise ValueError(f"its tokenizer cuts texts into windows of {length:,} tokens that share {stride:,}")
