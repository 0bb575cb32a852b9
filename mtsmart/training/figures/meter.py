"""Averages of what batches report, kept on the device so that no update waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtsmart.processes import ALONE, Processes


class Meter:
    """Mean per task and figure since the last ``flush``. Only finite values count; the guard reports others.

    Args:
        processes: the processes whose figures are averaged. All must call the methods at the same time.
    """

    def __init__(self, processes: Processes = ALONE) -> None:
        self._processes = processes
        # A tensor (2,) each: the sum, and the number of its values. In float64 the sum of float32 figures is exact in
        # any order, if they differ by a factor of less than 2**29. So a resumed run may keep the sums of all processes
        # in one process.
        self._sums: dict[tuple[str, str], Tensor] = {}

    def add(self, task: str, figures: Mapping[str, Tensor]) -> None:
        """Add the figures of one batch: name -> scalar."""
        for name, figure in figures.items():
            key = (task, name)
            value = figure.detach().float().to(_precise(figure.device))
            finite = torch.isfinite(value)
            pair = torch.stack([torch.where(finite, value, 0.0), finite.to(value.dtype)])
            self._sums[key] = self._sums[key] + pair if key in self._sums else pair

    def flush(self) -> dict[str, dict[str, float]]:
        """Task -> figure -> mean; then start from zero. Waits for the device."""
        means = self.means()
        self._sums = {}
        return means

    def means(self) -> dict[str, dict[str, float]]:
        """Task -> figure -> mean. Waits for the device."""
        means: dict[str, dict[str, float]] = {}
        for task, name, total, count in self.state_dict():
            if count:
                means.setdefault(task, {})[name] = total / count
        return dict(sorted(means.items()))

    def state_dict(self) -> list[list[Any]]:
        """[task, figure, sum, count] for each figure, of all processes; exact in JSON."""
        if not self._sums:
            return []
        pairs = self._processes.total(torch.stack(list(self._sums.values()))).tolist()
        return [[*key, *pair] for key, pair in zip(self._sums, pairs, strict=True)]

    def load_state(self, state: list[list[Any]], device: torch.device) -> None:
        """Continue from what ``state_dict`` gave."""
        share = float(self._processes.is_main)  # the first process counts all of it, the others nothing
        dtype = _precise(device)
        self._sums = {
            (task, name): share * torch.tensor(pair, dtype=dtype, device=device) for task, name, *pair in state
        }


def _precise(device: torch.device) -> torch.dtype:
    return torch.float64 if device.type in ("cpu", "cuda") else torch.float32  # others may have no float64
