"""How long the rows of a task are, and where they may be cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import ceil
from typing import Any

from transformers import PreTrainedTokenizerBase

from mtsmart.drafting.columns import value_of
from mtsmart.drafting.draft import Draft, Seen

_PIECES = 1.5  # tokens of a word, about: rare words become several
_SPECIAL = 4  # tokens beside those of the texts
_STEP = 16
_SHORTEST = 32
_LONGEST = 512
_SHARE = 0.98  # of the rows that are not cut
_CUT = ("classification", "ordinal", "regression", "multi_label")  # types whose rows are their text columns alone
_SAMPLE = 2_000  # rows whose tokens are counted, spread over the data


def add_max_length(draft: Draft, seen: Seen, tokenizer: PreTrainedTokenizerBase | None) -> None:
    """Set the length that cuts hardly any row: in tokens of the encoder, or by the number of words.

    Args:
        draft: of a task; task types that read more than the text columns stay without a length of their own.
        seen: its data.
        tokenizer: of the encoder; None: it is not at hand.
    """
    if draft.task_type not in _CUT or not all(name in seen.columns for name in draft.text):
        return
    found = _by_words(draft, seen) if tokenizer is None else _by_tokens(draft, seen, tokenizer)
    if found is None:
        return
    most, draft.notes["max_length"] = found
    draft.keys["max_length"] = min(max(ceil(most / _STEP) * _STEP, _SHORTEST), _LONGEST)


def _by_words(draft: Draft, seen: Seen) -> tuple[float, str] | None:
    words = [seen.columns[name].words for name in draft.text]
    if not all(words):
        return None
    most = sum(_most(counts) for counts in words)
    note = f"98 % of the rows have at most {most} words, with about {_PIECES} tokens each (no tokenizer was at hand)"
    return most * _PIECES + _SPECIAL, note


def _by_tokens(draft: Draft, seen: Seen, tokenizer: PreTrainedTokenizerBase) -> tuple[float, str] | None:
    step = max(seen.rows // _SAMPLE, 1)
    rows = islice(seen.data.rows(seen.train), 0, None, step)
    texts = [[_text(value_of(row, name)) for name in draft.text] for row in rows]
    columns = [list(column) for column in zip(*texts, strict=True)]
    if not columns:
        return None
    most = _most([len(tokens) for tokens in tokenizer(*columns, verbose=False)["input_ids"]])
    return most, f"98 % of the rows have at most {most} tokens of the encoder"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _most(counts: Sequence[int]) -> int:
    return sorted(counts)[int(_SHARE * (len(counts) - 1))]
