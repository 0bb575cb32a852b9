"""Numbers gone wrong: an update whose loss or gradients are not finite is not applied, and the batch is named.

AdamW is told by a tensor, so that no update waits for the device; Adamax has no such switch and waits. The figures are
read after each update on a CPU, where nothing waits, and on other devices when a line is logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mtsmart.config.methods import Figure
from mtsmart.data.batch import Batch
from mtsmart.errors import MtsmartError, OtherProcessError, TrainingError
from mtsmart.processes import ALONE, Processes
from mtsmart.training.sharding import gathered

LOSS = Figure("loss", "the task's loss", "of the criterion", "loss is the criterion against gold labels", is_term=True)
_MOST_PENDING = 100  # updates noted before they are looked at, however rarely lines are logged
_SHOWN = 8


@dataclass
class _Noted:
    """An update that has not been looked at yet."""

    update: int
    batches: list[tuple[int, Batch, Mapping[str, Tensor]]]  # its number in the epoch, itself, its figures
    norm: Tensor


class Guard:
    """Keeps what is not finite out of the weights.

    Args:
        optimizer: takes the updates.
        skip: go on after such an update; otherwise stop.
        budget: updates that may be skipped in all.
        figures: what batches report besides their loss.
        processes: those that share the batches; all look at once.
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
        """Note a batch of the present update: its number in the epoch, and what it reported."""
        self._batches.append((number, Batch(batch.task, {}, rows=batch.rows), figures))

    def apply(self, update: int, norm: Tensor) -> None:
        """Take the optimizer's step unless the gradients are not finite.

        Args:
            update: its number, from 1.
            norm: of all gradients together, a scalar.
        """
        self._pending.append(_Noted(update, self._batches, norm.detach()))
        self._batches = []
        if self.optimizer.defaults.get("fused"):
            # What torch's gradient scaler does: the fused step looks at the flag on the device.
            self.optimizer.grad_scale, self.optimizer.found_inf = None, (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
            self.optimizer.step()
        elif torch.isfinite(norm):
            self.optimizer.step()

    @property
    def is_due(self) -> bool:
        """Whether to look now even if no line is logged."""
        return bool(self._pending) and (self._pending[-1].norm.device.type == "cpu" or self._is_full)

    @property
    def _is_full(self) -> bool:
        return len(self._pending) >= _MOST_PENDING

    def check(self) -> list[str]:
        """Look at the updates since the last time; waits for the device.

        Returns:
            a text for each update that was skipped.

        Raises:
            TrainingError: an update was not finite and none may be skipped, or too many were.
        """
        noted, self._pending = self._pending, []
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
        """Look at the weights before they are scored or kept.

        Raises:
            TrainingError: finite gradients have led to weights that are not.
        """
        norm = gathered(torch.nn.utils.get_total_norm([parameter.detach() for parameter in parameters]))
        if not bool(torch.isfinite(norm)):
            text = f"the weights are no longer finite after update {update}"
            if not self._processes.is_main:
                raise OtherProcessError(text)
            raise TrainingError(text, hint="Lower optimizer.learning_rate, or look at optimizer.weight_decay and eps")

    def _described(self, one: _Noted) -> str:
        """What was not finite, by the first process where a term was."""
        texts = self._processes.gather(_describe(one, self._terms))
        return next((text for text, is_term in texts if is_term), texts[0][0])

    def _error(self, text: str) -> MtsmartError:
        if not self._processes.is_main:  # all have come to the same
            return OtherProcessError(text)
        if self.skip:
            more = f"that is more than training.max_skipped={self.budget} such updates"
            return TrainingError(f"{text}; {more}", hint="Lower the learning rate, or use training.precision=float32")
        hint = (
            "Lower the learning rate, use training.precision=float32, or skip such updates: training.non_finite=skip. "
            "The weights are those of before; --resume goes on from the last resume point"
        )
        return TrainingError(text, hint=hint)


def gradient_norm(parameters: Iterable[nn.Parameter], limit: float | None) -> Tensor:
    """The norm of all gradients together, a scalar; they are then clipped to ``limit`` if there is one."""
    parameters = list(parameters)
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return gathered(norm)


def _describe(noted: _Noted, terms: Sequence[Figure]) -> tuple[str, bool]:
    """What was not finite, in which batch of which task; whether it was one of the terms, and not the gradients."""
    for number, batch, figures in noted.batches:
        for term in terms:
            if term.name in figures and not bool(torch.isfinite(figures[term.name])):
                value = float(figures[term.name])
                text = f"{term.what} is {value} at update {noted.update}: {_named(number, batch)}"
                return text, True
    batches = "; ".join(_named(number, batch) for number, batch, _ in noted.batches)
    return f"the gradients are not finite at update {noted.update} (each term is): {batches}", False


def _named(number: int, batch: Batch) -> str:
    rows = ", ".join(str(row + 1) for row in batch.rows[:_SHOWN])
    more = f" and {len(batch.rows) - _SHOWN} more" if len(batch.rows) > _SHOWN else ""
    return f"task {batch.task}, batch {number + 1} of the epoch, rows {rows}{more} of its training data"
