"""Averages of what batches report, kept on the device so that no update waits for it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Meter:
    """Mean per task and figure since the last ``flush``."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], Tensor] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, task: str, figures: dict[str, Tensor]) -> None:
        """Count one batch's scalars."""
        for name, value in figures.items():
            key = (task, name)
            self._sums[key] = self._sums[key] + value.float() if key in self._sums else value.float()
            self._counts[key] = self._counts.get(key, 0) + 1

    def flush(self) -> dict[str, dict[str, float]]:
        """Task -> figure -> mean, and start anew. Waits for the device."""
        means = self.means()
        self._sums, self._counts = {}, {}
        return means

    def means(self) -> dict[str, dict[str, float]]:
        """Task -> figure -> mean. Waits for the device."""
        means: dict[str, dict[str, float]] = {}
        for task, name, total, count in self.state_dict():
            means.setdefault(task, {})[name] = total / count
        return dict(sorted(means.items()))

    def state_dict(self) -> list[list[Any]]:
        """[task, figure, sum, count] for each figure; the sums are exact in JSON."""
        if not self._sums:
            return []
        sums = torch.stack(list(self._sums.values())).tolist()
        return [[*key, total, self._counts[key]] for key, total in zip(self._sums, sums, strict=True)]

    def load_state(self, state: list[list[Any]], device: torch.device) -> None:
        """Continue from what ``state_dict`` gave."""
        self._sums = {(task, name): torch.tensor(total, device=device) for task, name, total, _ in state}
        self._counts = {(task, name): count for task, name, _, count in state}
