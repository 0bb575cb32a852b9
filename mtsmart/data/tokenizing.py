"""Texts and pairs of texts to tokens, with a faster way for tokenizers that split texts at blanks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows, note_cut

TOKENS = ("input_ids", "token_type_ids")
_KEPT = 200_000  # words whose tokens are remembered
_TOGETHER = 500  # texts that are tokenized at once


def tokenize(
    columns: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_length: int, segments: bool = False
) -> Rows:
    """Token columns of N texts or pairs of texts. A pair that is too long is cut at its longer text first.

    The result is that of the tokenizer's own ``truncation="longest_first"``, which needs memory quadratic in the
    length of the texts, because it makes every combination of the pieces of both.

    Args:
        columns: one or two columns of N texts.
        tokenizer: a fast one; gives ``input_ids`` and, for encoders that have them, ``token_type_ids``.
        max_length: tokens a row is cut to.
        segments: whether to add ``segments``: 0 on special tokens, 1 on the first text's, 2 on the second's.
    """
    return _encoder_of(tokenizer).encode(columns, max_length, segments)


def frame_of(tokenizer: PreTrainedTokenizerBase, texts: int) -> Frame:
    """What a tokenizer puts around one text or two."""
    return _encoder_of(tokenizer).frames[texts]


def filler_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that stands where an empty text has none: an encoder needs one."""
    known = (tokenizer.unk_token_id, tokenizer.pad_token_id, 0)
    return next(token for token in known if token is not None)


def _encoder_of(tokenizer: PreTrainedTokenizerBase) -> TextTokenizer:
    if tokenizer not in _KNOWN:
        _KNOWN[tokenizer] = (WordTokenizer if WordTokenizer.fits(tokenizer) else TextTokenizer)(tokenizer)
    return _KNOWN[tokenizer]


@dataclass(frozen=True)
class Frame:
    """What stands around one text or two.

    Attributes:
        specials: the special tokens before the first text, after it, and after the second one.
        special_types: the token type of each of them.
        types: the token type of each text.
    """

    specials: list[list[int]]
    special_types: list[list[int]]
    types: list[int]

    @property
    def size(self) -> int:
        """How many special tokens there are."""
        return sum(map(len, self.specials))

    def types_of(self, *lengths: int) -> list[int]:
        """The token types of a row whose texts have ``lengths`` tokens."""
        texts = ([kind] * length for kind, length in zip(self.types, lengths, strict=True))
        return [
            *self.special_types[0],
            *chain(*(chain(*pair) for pair in zip(texts, self.special_types[1:], strict=True))),
        ]

    def segments(self) -> Frame:
        """The same frame with segments for token types: 1 and 2 for the texts, 0 for special tokens."""
        nothing = [[0] * len(special) for special in self.specials]
        return Frame(self.specials, nothing, list(range(1, len(self.types) + 1)))


class TextTokenizer:
    """Encodes texts one by one, cuts them, and puts the special tokens around them.

    Attributes:
        frames: how many texts -> what stands around them.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._with_types = "token_type_ids" in tokenizer.model_input_names
        self.frames = {count: self._frame(count) for count in (1, 2)}

    def encode(self, columns: Sequence[Sequence[str]], max_length: int, segments: bool = False) -> Rows:
        """As :func:`tokenize`."""
        frame = self.frames[len(columns)]
        sides = self._tokens(list(chain(*columns))).split(len(columns))
        kept = _cut([side.lengths for side in sides], max(0, max_length - frame.size))
        note_cut(np.logical_or.reduce([count < side.lengths for side, count in zip(sides, kept, strict=True)]))
        if self._tokenizer.truncation_side == "left":
            sides = [side.without_first(side.lengths - count) for side, count in zip(sides, kept, strict=True)]
        encoded: Rows = {"input_ids": _framed(frame.specials, sides, kept)}
        kinds = {"token_type_ids": frame} if self._with_types else {}
        for name, kind in (kinds | ({"segments": frame.segments()} if segments else {})).items():
            types_of = cache(kind.types_of)  # Rows of the same lengths share a list.
            encoded[name] = [types_of(*each) for each in zip(*(k.tolist() for k in kept), strict=True)]
        return encoded if frame.size else self._with_a_token(encoded)

    def _with_a_token(self, encoded: Rows) -> Rows:
        """The rows with one token where an empty text has none: an encoder needs one."""
        filler = {"input_ids": filler_of(self._tokenizer)}
        return {name: [row or [filler.get(name, 0)] for row in rows] for name, rows in encoded.items()}

    def _tokens(self, texts: Sequence[str]) -> _Ragged:
        """The texts' tokens, without special ones."""
        ids: list[list[int]] = []
        for start in range(0, len(texts), _TOGETHER):
            ids += self._ids(texts[start : start + _TOGETHER])
        return _Ragged.of(ids)

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = self._tokenizer(
            list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
        )["input_ids"]
        return ids

    def _frame(self, count: int) -> Frame:
        """The frame around ``count`` texts, found by encoding short texts."""
        encoded = self._tokenizer(*["a"] * count)
        sequence = encoded.sequence_ids(0)
        ids = encoded["input_ids"]
        types = encoded.get("token_type_ids", [0] * len(sequence))
        specials: list[list[int]] = [[] for _ in range(count + 1)]
        special_types: list[list[int]] = [[] for _ in range(count + 1)]
        text_types = [0] * count
        seen = 0  # texts that have begun
        for number, token, kind in zip(sequence, ids, types, strict=True):
            if number is None:
                specials[seen].append(token)
                special_types[seen].append(kind)
            else:
                seen = number + 1
                text_types[number] = kind
        return Frame(specials, special_types, text_types)


class WordTokenizer(TextTokenizer):
    """Encodes texts by the tokens of their parts between blanks; each different part is tokenized once.

    For tokenizers like BERT's, a blank always ends a word. So a text's tokens are those of its parts, one after the
    other. Looking parts up takes a tenth of the time of tokenizing them again in each text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(tokenizer)
        self._known = dict[str, list[int]]()

    @staticmethod
    def fits(tokenizer: PreTrainedTokenizerBase) -> bool:
        """Whether this way is right for the tokenizer: WordPiece after BERT's splitting into words."""
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        parts = [(state.get(name) or {}).get("type") for name in ("model", "pre_tokenizer", "normalizer")]
        added = [token["content"] for token in state.get("added_tokens", [])]
        return parts in (["WordPiece", "BertPreTokenizer", kind] for kind in ("BertNormalizer", None)) and not any(
            " " in content for content in added
        )

    def _tokens(self, texts: Sequence[str]) -> _Ragged:
        """The texts' tokens, looked up by the parts of the texts."""
        parts = pc.split_pattern(pa.array(texts, pa.large_string()), " ")
        words = parts.flatten().dictionary_encode()
        distinct = words.dictionary.to_pylist()
        self._learn(set(distinct))
        known = _Ragged.of([self._known[word] for word in distinct])
        chosen = known.take(words.indices.to_numpy())
        firsts = parts.offsets.to_numpy()[:-1] - parts.offsets[0].as_py()
        lengths = (
            np.add.reduceat(chosen.lengths, firsts) if len(firsts) else chosen.lengths
        )  # Each text has at least one part.
        return _Ragged(chosen.values, lengths)

    def _learn(self, parts: set[str]) -> None:
        if len(self._known) > _KEPT:
            self._known.clear()
        new = list(parts - self._known.keys())
        if not new:
            return
        self._known.update(zip(new, self._ids(new), strict=True))


def _cut(lengths: Sequence[np.ndarray], room: int) -> list[np.ndarray]:
    """Tokens to keep of one or two texts, at most ``room`` in all: the longer text is cut first, as in tokenizers."""
    if len(lengths) == 1:
        return [np.minimum(lengths[0], room)]
    first, second = lengths
    shorter = np.minimum(first, second)
    keep = np.where(shorter * 2 <= room, shorter, room // 2)
    fits = first + second <= room
    return [
        np.where(fits, first, np.where(first > second, room - keep, keep)),
        np.where(fits, second, np.where(first > second, keep, room - keep)),
    ]


def _framed(specials: Sequence[list[int]], texts: Sequence[_Ragged], kept: Sequence[np.ndarray]) -> list[list[int]]:
    """Each row's texts, cut, with the special tokens around them."""
    lengths = sum(kept) + sum(map(len, specials))
    ends = np.cumsum(lengths)
    out = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.int64)
    place = ends - lengths
    for number, special in enumerate(specials):
        for token in special:
            out[place] = token
            place = place + 1
        if number < len(texts):
            text = texts[number]
            count = kept[number]
            out[_ranges(place, count)] = text.values[_ranges(text.starts, count)]
            place = place + count
    flat = out.tolist()
    return [flat[start:end] for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)]


@dataclass(frozen=True)
class _Ragged:
    """N lists of numbers: all numbers one after the other, and (N,) the length of each list."""

    values: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> _Ragged:
        lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        return cls(np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(lengths.sum())), lengths)

    @property
    def starts(self) -> np.ndarray:
        starts: np.ndarray = np.cumsum(self.lengths) - self.lengths
        return starts

    def split(self, count: int) -> list[_Ragged]:
        """The lists in ``count`` equal shares."""
        shares = np.split(self.lengths, count)
        values = np.split(self.values, np.cumsum([share.sum() for share in shares])[:-1])
        return [_Ragged(*pair) for pair in zip(values, shares, strict=True)]

    def without_first(self, counts: np.ndarray) -> _Ragged:
        """The lists without their first ``counts`` (N,) numbers."""
        left = self.lengths - counts
        return _Ragged(self.values[_ranges(self.starts + counts, left)], left)

    def take(self, indices: np.ndarray) -> _Ragged:
        lengths = self.lengths[indices]
        return _Ragged(self.values[_ranges(self.starts[indices], lengths)], lengths)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, ... for each start, one after the other."""
    before = np.cumsum(lengths) - lengths
    ranges: np.ndarray = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
    return ranges


_KNOWN: WeakKeyDictionary[PreTrainedTokenizerBase, TextTokenizer] = WeakKeyDictionary()
