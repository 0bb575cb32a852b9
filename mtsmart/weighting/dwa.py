"""Dynamic weight averaging: a task whose loss has fallen less than the others' gets more weight.

Liu, Johns and Davison 2019, "End-to-End Multi-Task Learning with Attention", equation 7. With L_k(t) the mean objective
of task k in window t, and K tasks:

    r_k(t) = L_k(t - 1) / L_k(t - 2),    w_k(t) = K exp(r_k(t) / T) / sum over i of exp(r_i(t) / T)

The paper's window is an epoch. In the first two windows each weight is 1. A task without a batch in a window keeps the
mean of the last window that had one, and its rate is 1.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from mtsmart.config.regularizers import LARGEST, Figure, MethodText
from mtsmart.weighting import WEIGHTINGS, Losses, Weighting, WeightingContext, WeightingSettings


class DwaSettings(WeightingSettings):
    """How sharply weights differ, and how often they change."""

    temperature: float = Field(2.0, gt=0, le=LARGEST, description="T; a higher one makes the weights more equal")
    window: int | None = Field(None, ge=1, description="updates whose losses are averaged; null: an epoch")


@WEIGHTINGS.register("dwa")
class DynamicWeightAverage(Weighting[DwaSettings]):
    """Multiplies a task's objective by w_k, which changes at the end of each window."""

    Settings = DwaSettings
    text = MethodText(
        title="Dynamic weight averaging",
        formula="w_k = K exp(r_k / T) / sum_i exp(r_i / T), r_k = the last window's mean over that of the one before",
        paper="Liu, Johns and Davison 2019, equation 7",
        cost="none",
        use="tasks that learn at different speeds, in runs of several epochs",
        evidence="none",
    )
    figures = (Figure("weight/TASK", "the weight of a task", "none", "weight/TASK is w_k; their mean is 1"),)
    updates: Tensor
    sums: Tensor
    counts: Tensor
    earlier: Tensor
    weights: Tensor

    def __init__(self, context: WeightingContext, settings: DwaSettings) -> None:
        super().__init__(context, settings)
        tasks = len(context.tasks)
        self._places = {task: place for place, task in enumerate(context.tasks)}
        self._window = settings.window or context.updates_per_epoch
        # Buffers, so that resume points hold them.
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self.register_buffer("sums", torch.zeros(tasks))
        self.register_buffer("counts", torch.zeros(tasks))
        self.register_buffer("earlier", torch.full((tasks,), torch.inf))  # infinite: no window yet
        self.register_buffer("weights", torch.ones(tasks))
        self._remember()
        self.register_load_state_dict_post_hook(lambda module, keys: self._remember())

    def _remember(self) -> None:
        """Keep what every batch asks for outside the device, so that none waits for it."""
        self._done = int(self.updates)
        self._weights: list[float] = self.weights.tolist()

    @classmethod
    def summary(cls, settings: DwaSettings) -> str:
        """The temperature and the window."""
        window = "an epoch" if settings.window is None else f"{settings.window} updates"
        return f"temperature {settings.temperature:g}, windows of {window}"

    def combine(self, losses: Losses) -> None:
        """Differentiate each batch's share; then the update's objectives count in the window."""
        seen = torch.zeros_like(self.sums)
        counts = torch.zeros_like(self.counts)
        for one in losses:
            place = self._places[one.task]
            value = one.objective.detach()
            # What is not finite never reaches the weights; the run tells of it or stops.
            seen[place] += torch.where(torch.isfinite(value), value, 0.0)
            counts[place] += torch.isfinite(value)
            losses.backward(self.factor(one.task, len(losses)) * one.objective)
        if not losses.again:
            self._see(losses.averaged(torch.stack([seen, counts])))

    def factor(self, task: str, batches: int) -> float:
        """w_k / N."""
        return self._weights[self._places[task]] / batches

    def measure(self) -> dict[str, float]:
        """The weight of each task."""
        return {f"weight/{task}": weight for task, weight in zip(self.context.tasks, self._weights, strict=True)}

    def _see(self, seen: Tensor) -> None:
        """Count an update: (2, K), the sums of its objectives and their numbers."""
        self.sums += seen[0]
        self.counts += seen[1]
        self.updates += 1
        self._done += 1
        if self._done % self._window == 0:
            self._end_window()

    def _end_window(self) -> None:
        had_batches = self.counts > 0
        means = torch.where(had_batches, self.sums / self.counts, self.earlier)
        is_known = had_batches & self.earlier.isfinite() & (self.earlier > 0)
        rates = torch.where(is_known, means / self.earlier, 1.0)
        self.weights.copy_(len(rates) * torch.softmax(rates / self.settings.temperature, 0))
        self.earlier.copy_(means)
        self.sums.zero_()
        self.counts.zero_()
        self._remember()
