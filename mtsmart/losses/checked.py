"""Losses of other packages as task types call them: one value a row, or they are refused by name."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from mtsmart.losses.criteria import CRITERIA, Criterion
from mtsmart.registry import form_of, is_own, wrong_result


def checked_loss(name: str) -> Criterion:
    """A loss. One of another package refuses to give anything else than one value a row."""
    criterion = CRITERIA[name]
    return criterion if is_own(criterion) else partial(_by_row, criterion)


def _by_row(criterion: Criterion, logits: Tensor, labels: Tensor) -> Tensor:
    losses = criterion(logits, labels)
    rows = len(logits)
    if isinstance(losses, Tensor) and losses.shape == (rows, 1):
        losses = losses.squeeze(-1)
    if not isinstance(losses, Tensor) or losses.shape != (rows,):
        hint = f"It must give one value for each of the {rows} rows, a tensor of shape {(rows,)}, and no mean of them"
        raise wrong_result(criterion, f"gives what is {form_of(losses)}", hint)
    return losses
