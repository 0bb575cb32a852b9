"""Batches of rows that are lists of token sequences: all sequences stand one below the other, (M, T)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad_inputs
from mtsmart.models.heads.windows import NONE, WINDOWS

_NESTED = ("input_ids", "token_type_ids", "segments")


def pad_lists(features: Sequence[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """The padded sequences of all rows, (M, T) int64: those of the first row, then those of the second ...

    Args:
        features: B encoded rows, whose token columns are lists of sequences.
        tokenizer: gives the padding token and side.
    """
    names = [name for name in _NESTED if name in features[0]]
    flat = [
        dict(zip(names, sequence, strict=True))
        for row in features
        for sequence in zip(*(row[name] for name in names), strict=True)
    ]
    return pad_inputs(flat, tokenizer)


def places_of(features: Sequence[Mapping[str, Any]]) -> Tensor:
    """(B, N) int64: the places of each row's sequences among the M; ``NONE`` after its last one."""
    sizes = torch.tensor([len(row["input_ids"]) for row in features]).unsqueeze(-1)
    numbers = torch.arange(int(sizes.max())).expand(len(features), -1)
    starts = sizes.cumsum(0) - sizes
    return torch.where(numbers < sizes, starts + numbers, NONE)


def pad_windows(features: Sequence[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """As :func:`pad_lists`, and which sequences are whose windows, unless each row has one."""
    inputs = pad_lists(features, tokenizer)
    places = places_of(features)
    return inputs if places.shape[1] == 1 else {**inputs, WINDOWS: places}


def take_rows(batch: Batch, rows: slice, places: Tensor) -> tuple[Batch, Tensor]:
    """Some rows of a batch with their sequences, and the places of these in the part.

    Args:
        batch: the whole batch.
        rows: at least one row, or none from the first on.
        places: (B, N), as ``places_of`` gives them.
    """
    ends = (places != NONE).sum(-1).cumsum(0)
    first = int(ends[rows.start - 1]) if rows.start else 0
    part = batch.take(rows, slice(first, int(ends[rows.stop - 1])))
    own = places[rows]
    return part, torch.where(own == NONE, NONE, own - first)
