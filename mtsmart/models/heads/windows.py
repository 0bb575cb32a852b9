"""Texts that are too long for the encoder: their windows go through it one by one, and their logits become one row.

A batch says in ``inputs["windows"]`` which of its token sequences are the windows of which row. It says so only if a
row has several, so rows that fit into one window are computed as if there were no windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from mtsmart.models.encoder import Encoder
from mtsmart.models.heads.plain import MEAN, attend, pooled

WINDOWS = "windows"
"""The input (B, N) int64: the places of each row's windows among the W token sequences; ``NONE`` after its last one."""
NONE = -1
HowToPool = Literal["mean", "max", "attention"]
POOLINGS: tuple[str, ...] = get_args(HowToPool)


class WindowPooling(nn.Module):
    """The logits (B, C) of rows from the logits (W, C) of their windows.

    Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1, pool the features of the windows
    by mean, max or attention, and map the result to logits. Here the logits are pooled, because every kind of head has
    them. For mean and attention it is the same: the weights of a row's windows sum to 1, and the last layer of a head
    is affine. By max each label counts in the window that shows it most, as in Dai and Callan 2019, "Deeper Text
    Understanding for IR with Contextual Neural Language Modeling" (MaxP), so one window of many can decide.

    The weights of attention are softmax(v . m_w) over the windows w of a row (Ilse et al. 2018, "Attention-based Deep
    Multiple Instance Learning", equation 8, without the hidden layer). m_w (H,) is the mean of the encoder's outputs
    for the tokens of the window. v is learnt and starts at 0, which is the mean. So it draws no random numbers.

    Attributes:
        score: v (H,); None unless the pooling is attention.
    """

    def __init__(self, encoder: Encoder, how: str) -> None:
        super().__init__()
        self.how = how
        self.score = nn.Parameter(torch.zeros(encoder.hidden_size)) if how == "attention" else None

    def forward(self, logits: Tensor, hidden: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """The logits (B, C) of the rows; those of the windows where each row has one.

        Args:
            logits: (W, C) float32.
            hidden: (W, T, H), the encoder's outputs.
            inputs: ``attention_mask`` (W, T), and ``WINDOWS`` (B, N) where a row has several windows.
        """
        if WINDOWS not in inputs:
            return logits
        scores = None if self.score is None else self.scores(hidden, inputs["attention_mask"])
        return self.pool(logits, scores, inputs[WINDOWS])

    def pool(self, logits: Tensor, scores: Tensor | None, places: Tensor) -> Tensor:
        """The logits (B, C) of the rows.

        Args:
            logits: (W, C) float32, of the windows.
            scores: (W,), which weigh them; None unless the pooling is attention.
            places: (B, N) int64, as ``WINDOWS`` says.
        """
        present = places != NONE
        of_rows = _taken(logits, places)
        if self.how == "max":
            return of_rows.masked_fill(~present.unsqueeze(-1), torch.finfo(of_rows.dtype).min).amax(1)
        if scores is None:
            return pooled(MEAN, of_rows, present)
        return attend(_taken(scores, places), of_rows, present)

    def scores(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """v . m_w (W,) of the windows, from their outputs of the encoder (W, T, H) and their mask (W, T)."""
        assert self.score is not None, "the pooling is not attention"
        # No product of a matrix and a vector: onnxruntime cannot compute one whose vector is 8-bit integers.
        return (pooled(MEAN, hidden, mask) * self.score).sum(-1)


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """values (W, ...) and places (B, N) -> (B, N, ...); any value where there is no window."""
    return values[places.clamp_min(0)]


def pool_windows(head: nn.Module, logits: Tensor, hidden: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """The logits of a batch's rows, from those that a head gives for its token sequences.

    Args:
        head, logits: the head, which has a :class:`WindowPooling` if its task reads windows; its logits (W, ...).
        hidden, inputs: as for :meth:`WindowPooling.forward`.
    """
    pooling = pooling_of(head)
    return logits if pooling is None else pooling(logits, hidden, inputs)


def pooling_of(head: nn.Module) -> WindowPooling | None:
    """How a head pools windows; None if it does not."""
    found = getattr(head, WINDOWS, None)
    return found if isinstance(found, WindowPooling) else None
