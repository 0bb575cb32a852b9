"""Texts and pairs of texts to tokens, with a short way for tokenizers that take each word by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows

TOKENS = ("input_ids", "token_type_ids")
_KEPT = 200_000  # words whose tokens are remembered


def tokenize(columns: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Rows:
    """Token columns of N texts or pairs of texts; a pair loses from its longer text what is too long.

    Args:
        columns: one or two columns of N texts.
        tokenizer: a fast one; gives ``input_ids`` and, for encoders that have them, ``token_type_ids``.
        max_length: tokens a row is cut to.
    """
    words = _words(tokenizer)
    if words is not None:
        return words.encode(columns, max_length)
    strategy = "longest_first" if len(columns) > 1 else True
    tokens = tokenizer(*columns, truncation=strategy, max_length=max_length, return_attention_mask=False)
    return {name: tokens[name] for name in TOKENS if name in tokens}


@dataclass(frozen=True)
class _Frame:
    """The special tokens around one or two texts, and the token types of the texts and of each special token."""

    specials: list[list[int]]
    special_types: list[list[int]]
    types: list[int]

    @property
    def size(self) -> int:
        return sum(map(len, self.specials))


class WordTokenizer:
    """Encodes texts by the tokens of their blank-separated parts, each of which is tokenized once.

    For tokenizers to which a blank is always the end of a word, as BERT's, a text's tokens are those of its parts, one
    after the other. Looking words up takes a tenth of the time of tokenizing them again in each text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer, self._known = tokenizer, dict[str, list[int]]()
        self._with_types = "token_type_ids" in tokenizer.model_input_names
        self._frames = {count: self._frame(count) for count in (1, 2)}

    @staticmethod
    def fits(tokenizer: PreTrainedTokenizerBase) -> bool:
        """Whether the tokenizer is of the kind: WordPiece after BERT's splitting, cutting on the right."""
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        parts = [(state.get(name) or {}).get("type") for name in ("model", "pre_tokenizer", "normalizer")]
        added = [token["content"] for token in state.get("added_tokens", [])]
        return (
            parts in (["WordPiece", "BertPreTokenizer", kind] for kind in ("BertNormalizer", None))
            and tokenizer.truncation_side == "right"
            and not any(" " in content for content in added)
        )

    def encode(self, columns: Sequence[Sequence[str]], max_length: int) -> Rows:
        """As :func:`tokenize`."""
        frame = self._frames[len(columns)]
        room = max(0, max_length - frame.size)
        sides = [self._tokens(column) for column in columns]
        cut = [_cut(texts, room) for texts in zip(*sides, strict=True)]
        encoded: Rows = {"input_ids": [_framed(frame.specials, texts) for texts in cut]}
        if self._with_types:
            types = ([[kind] * len(text) for kind, text in zip(frame.types, texts, strict=True)] for texts in cut)
            encoded["token_type_ids"] = [_framed(frame.special_types, each) for each in types]
        return encoded

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        split = [text.split(" ") for text in texts]
        try:
            return self._looked_up(split)
        except KeyError:  # cheaper than asking for each word whether it is known
            self._learn({part for parts in split for part in parts})
            return self._looked_up(split)

    def _looked_up(self, split: Sequence[list[str]]) -> list[list[int]]:
        return [list(chain.from_iterable(map(self._known.__getitem__, parts))) for parts in split]

    def _learn(self, parts: set[str]) -> None:
        if len(self._known) > _KEPT:
            self._known.clear()
        new = list(parts - self._known.keys())
        self._known.update(zip(new, self._tokenizer(new, add_special_tokens=False)["input_ids"], strict=True))

    def _frame(self, count: int) -> _Frame:
        """Found by encoding one-token texts: what stands around them is the frame."""
        word = next(word for word in self._tokenizer.get_vocab() if word.isalpha() and word.islower())
        encoded = self._tokenizer(*[word] * count)
        sequence = encoded.sequence_ids(0)
        ids, types = encoded["input_ids"], encoded.get("token_type_ids", [0] * len(sequence))
        specials: list[list[int]] = [[]]
        special_types: list[list[int]] = [[]]
        text_types = []
        for number, token, kind in zip(sequence, ids, types, strict=True):
            if number is None:
                specials[-1].append(token)
                special_types[-1].append(kind)
            else:
                text_types.append(kind)
                specials.append([])
                special_types.append([])
        return _Frame(specials, special_types, text_types)


def _cut(texts: Sequence[list[int]], room: int) -> Sequence[list[int]]:
    """The texts' tokens, ``room`` in all: the longer of two gives way first, as the tokenizers library has it."""
    if sum(map(len, texts)) <= room:
        return texts
    if len(texts) == 1:
        return [texts[0][:room]]
    first, second = map(len, texts)
    shorter = min(first, second)
    keep = shorter if shorter * 2 <= room else room // 2
    longer = room - keep
    return [texts[0][:longer], texts[1][:keep]] if first > second else [texts[0][:keep], texts[1][:longer]]


def _framed(specials: Sequence[list[int]], texts: Sequence[list[int]]) -> list[int]:
    framed = list(specials[0])
    for text, after in zip(texts, specials[1:], strict=True):
        framed += text
        framed += after
    return framed


_KNOWN: WeakKeyDictionary[PreTrainedTokenizerBase, WordTokenizer | None] = WeakKeyDictionary()


def _words(tokenizer: PreTrainedTokenizerBase) -> WordTokenizer | None:
    if tokenizer not in _KNOWN:
        _KNOWN[tokenizer] = WordTokenizer(tokenizer) if WordTokenizer.fits(tokenizer) else None
    return _KNOWN[tokenizer]
