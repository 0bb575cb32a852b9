"""Refuses updates whose loss or gradients are not finite, and reports the batch that caused them.

A tensor on the device tells fused AdamW whether to skip its step, so that no update waits for the device. Adamax has no
such argument, so it waits. On a CPU nothing waits, and the figures are read after each update. On other devices they
are read when a line is logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtsmart.config.regularizers import Figure
from mtsmart.data.batch import Batch
from mtsmart.errors import MtsmartError, OtherProcessError, TrainingError
from mtsmart.processes import ALONE, Processes
from mtsmart.text.counts import some_of
from mtsmart.training.sharding import gathered

LOSS = Figure("loss", "the task's loss", "of the criterion", "loss is the criterion against gold labels", is_term=True)
_MOST_PENDING = 100  # So many updates are checked at the latest, even if lines are logged more rarely.
# The largest number of rows that a message names.
_SHOWN = 8


@dataclass
class _Noted:
    """An update that has not been checked yet."""

    update: int
    batches: list[tuple[int, Batch, Mapping[str, Tensor]]]  # (number in the epoch, batch, figures) of each batch
    norm: Tensor


class Guard:
    """Keeps numbers that are not finite out of the weights.

    Args:
        optimizer: the optimizer that applies the updates.
        skip: whether training continues after such an update; otherwise it stops.
        budget: the largest number of updates that may be skipped.
        figures: the figures that batches report besides their loss.
        processes: the processes that share the batches. All of them must call ``check`` at the same time.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        skip: bool,
        budget: int,
        figures: Iterable[Figure] = (),
        processes: Processes = ALONE,
    ) -> None:
        self._processes = processes
        self._terms = [figure for figure in (LOSS, *figures) if figure.is_term]
        self.optimizer = optimizer
        self.skip = skip
        self.budget = budget
        self.skipped = 0
        self._batches: list[tuple[int, Batch, Mapping[str, Tensor]]] = []
        self._pending: list[_Noted] = []

    def see(self, number: int, batch: Batch, figures: Mapping[str, Tensor]) -> None:
        """Remember a batch of the present update with its number in the epoch and its figures."""
        self._batches.append((number, Batch(batch.task, {}, rows=batch.rows), figures))

    def apply(self, update: int, norm: Tensor) -> None:
        """Apply the optimizer's step if the gradients are finite.

        Args:
            update: the number of the update, counted from 1.
            norm: the norm of all gradients together, a scalar.
        """
        self._pending.append(_Noted(update, self._batches, norm.detach()))
        self._batches = []
        if self.optimizer.defaults.get("fused"):
            # torch's gradient scaler sets the same attributes. The fused step reads the flag on the device.
            self.optimizer.grad_scale = None  # type: ignore[attr-defined]
            self.optimizer.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
            self.optimizer.step()
        elif torch.isfinite(norm):
            self.optimizer.step()

    @property
    def is_due(self) -> bool:
        """Whether ``check`` must be called now even if no line is logged."""
        return bool(self._pending) and (self._pending[-1].norm.device.type == "cpu" or self._is_full)

    @property
    def _is_full(self) -> bool:
        return len(self._pending) >= _MOST_PENDING

    def check(self) -> list[str]:
        """Check the updates since the last call. This waits for the device.

        Returns:
            a text for each skipped update.

        Raises:
            TrainingError: an update was not finite, and none may be skipped or too many were skipped.
        """
        noted = self._pending
        self._pending = []
        if not noted or bool(torch.isfinite(torch.stack([one.norm for one in noted])).all()):
            return []
        texts = []
        for one in noted:
            if not bool(torch.isfinite(one.norm)):
                text = self._described(one)
                self.skipped += 1
                if not self.skip or self.skipped > self.budget:
                    raise self._error(text)
                texts.append(f"{text}; skipped ({self.skipped} of at most {self.budget})")
        return texts

    def check_weights(self, update: int, parameters: Iterable[nn.Parameter]) -> None:
        """Check the weights before they are scored or stored.

        Raises:
            TrainingError: the weights are not finite, although the gradients were finite.
        """
        norm = gathered(torch.nn.utils.get_total_norm([parameter.detach() for parameter in parameters]))
        if not bool(torch.isfinite(norm)):
            text = f"the weights are no longer finite after update {update}"
            if not self._processes.is_main:
                raise OtherProcessError(text)
            raise TrainingError(text, hint="Lower optimizer.learning_rate, or look at optimizer.weight_decay and eps")

    def _described(self, one: _Noted) -> str:
        """The text about the number that was not finite, from the first process in which a term was not finite."""
        texts = self._processes.gather(_describe(one, self._terms))
        return next((text for text, is_term in texts if is_term), texts[0][0])

    def _error(self, text: str) -> MtsmartError:
        if not self._processes.is_main:  # All processes have the same error, and only the main one shows it.
            return OtherProcessError(text)
        if self.skip:
            more = f"that is more than training.max_skipped={self.budget} such updates"
            return TrainingError(f"{text}; {more}", hint="Lower the learning rate, or use training.precision=float32")
        hint = (
            "Lower the learning rate, use training.precision=float32, or skip such updates: training.non_finite=skip. "
            "The weights have not changed; --resume continues from the last resume point"
        )
        return TrainingError(text, hint=hint)


def gradient_norm(parameters: Iterable[nn.Parameter], limit: float | None) -> Tensor:
    """The norm of all gradients together, a scalar. If there is a limit, the gradients are then clipped to it."""
    parameters = list(parameters)
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return gathered(norm)


def _describe(noted: _Noted, terms: Sequence[Figure]) -> tuple[str, bool]:
    """A text that names what was not finite and its batch, and whether it was a term (otherwise the gradients)."""
    for number, batch, figures in noted.batches:
        for term in terms:
            if term.name in figures and not bool(torch.isfinite(figures[term.name])):
                value = float(figures[term.name])
                text = f"{term.what} is {value} at update {noted.update}: {_named(number, batch)}"
                return text, True
    batches = "; ".join(_named(number, batch) for number, batch, _ in noted.batches)
    return f"the gradients are not finite at update {noted.update} (each term is): {batches}", False


def _named(number: int, batch: Batch) -> str:
    rows = some_of([str(row + 1) for row in batch.rows], _SHOWN)
    return f"task {batch.task}, batch {number + 1} of the epoch, rows {rows} of its training data"
