"""Words as sub-words, and windows over rows that are too long. Positions count tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from mtsmart.data.tokenizing import TOKENS, filler_of


class Span(NamedTuple):
    """Positions from ``start`` up to, but not including, ``end``."""

    start: int
    end: int


@dataclass(frozen=True)
class WordTokens:
    """A row's tokens.

    Attributes:
        columns: tokenizer output -> one value a token, special tokens included.
        before, after: how many special tokens stand at the two ends. The positions in ``runs`` do not count them.
        runs: word -> its tokens. A word that the tokenizer turns into nothing has no entry.
    """

    columns: dict[str, list[int]]
    before: int
    after: int
    runs: dict[int, Span]

    def __len__(self) -> int:
        return len(self.columns["input_ids"]) - self.specials

    @property
    def specials(self) -> int:
        """How many special tokens each window has besides the words."""
        return self.before + self.after

    def around(self, values: list[int], special: int) -> list[int]:
        """``values`` for the tokens of words, with ``special`` for the special tokens at both ends."""
        return [special] * self.before + values + [special] * self.after

    def window(self, span: Span) -> dict[str, list[int]]:
        """The columns of a window: its tokens between the row's own special tokens."""
        end = self.before + len(self)
        return {
            name: values[: self.before] + values[self.before + span.start : self.before + span.end] + values[end:]
            for name, values in self.columns.items()
        }


def tokenize_words(rows: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase) -> list[WordTokens]:
    """Each row's words as one sequence of sub-words, not truncated."""
    if lacks_blanks(tokenizer):
        rows = [[f" {word}" if word.strip() else "" for word in words] for words in rows]
    tokens = tokenizer(
        [list(words) or [""] for words in rows],
        is_split_into_words=True,
        truncation=False,
        return_attention_mask=False,
        verbose=False,  # no warnings about rows that are longer than the encoder's limit
    )
    names = [name for name in TOKENS if name in tokens]
    return [
        _word_tokens({name: tokens[name][index] for name in names}, tokens.word_ids(index), tokenizer)
        for index in range(len(rows))
    ]


def _word_tokens(
    columns: dict[str, list[int]], words: list[int | None], tokenizer: PreTrainedTokenizerBase
) -> WordTokens:
    if not words:  # no word has tokens, and there are no special tokens either: but an encoder needs one token
        columns = {name: [filler_of(tokenizer) if name == "input_ids" else 0] for name in columns}
        words = [None]
    own = [position for position, word in enumerate(words) if word is not None]
    before = own[0] if own else len(words)
    end = own[-1] + 1 if own else len(words)
    runs: dict[int, Span] = {}
    for position in own:
        word = words[position]
        assert word is not None
        start = runs[word].start if word in runs else position - before
        runs[word] = Span(start, position - before + 1)
    return WordTokens(columns, before, len(words) - end, runs)


def lacks_blanks(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer reads words that are given one by one as if no blanks stood between them.

    Byte-level tokenizers (RoBERTa, ModernBERT) do so unless they are loaded with ``add_prefix_space``. Then the encoder
    would see all words as one.
    """
    backend = tokenizer.backend_tokenizer
    text = backend.encode("a a", add_special_tokens=False).ids
    words = backend.encode(["a", "a"], is_pretokenized=True, add_special_tokens=False).ids
    return bool(text[-1:] != words[-1:])


def windows(length: int, size: int, overlap: int) -> list[Span]:
    """Windows of at most ``size`` positions over ``length``; neighbours share at least ``overlap`` (< ``size``).

    If there are several, all are full: the last one starts earlier instead of being short.
    """
    if length <= size:
        return [Span(0, length)]
    starts = [*range(0, length - size, size - overlap), length - size]
    return [Span(start, start + size) for start in starts]


def owner(run: Span, spans: Sequence[Span]) -> int:
    """Which window a word is scored in: the one that shows most context on the side where it shows less.

    The window holds the word's first token. If several windows are equal, the first one is taken. The ends of the row
    need no rule of their own: windows are full, so a word near an end has most context in the window at that end.

    Args:
        run: the word's tokens.
        spans: the row's windows, in their order.
    """
    holding = [number for number, span in enumerate(spans) if span.start <= run.start < span.end]
    return max(holding, key=lambda number: min(run.start - spans[number].start, spans[number].end - run.end))
