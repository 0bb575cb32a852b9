"""The rows that a measurement looks at: some to differentiate, and others on which the losses are compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mtsmart.affinity.gradients import Batches
from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import load_batches
from mtsmart.data.sampler import BatchIndex
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.training.setup import Setup


@dataclass(frozen=True)
class Draw:
    """Draws batches of the measured tasks. They depend on the run's seed and on the measurement alone.

    Attributes:
        setup: the run.
        tasks: the names of the tasks.
        count: batches of each task.
        device: where they are put.
    """

    setup: Setup
    tasks: Sequence[str]
    count: int
    device: torch.device

    def training(self, measurement: int) -> Batches:
        """Batches of training rows, in a random order of their own."""
        return {name: self._of(task, task.train, measurement, 0) for name, task in self._measured().items()}

    def held(self, measurement: int) -> Batches:
        """Batches of validation rows; of training rows for a task that has no others."""
        tasks = self._measured().items()
        return {name: self._of(task, task.validation or task.train, measurement, 1) for name, task in tasks}

    def _measured(self) -> dict[str, PreparedTask]:
        return {name: self.setup.tasks[name] for name in self.tasks}

    def _of(self, task: PreparedTask, split: EncodedSplit | None, measurement: int, part: int) -> list[Batch]:
        assert split is not None
        config = self.setup.config.training
        size = task.definition.batch_size or config.batch_size
        rng = np.random.default_rng([config.seed, zlib.crc32(task.name.encode()), measurement, part])
        rows = rng.permutation(len(split))[: size * self.count]
        seeds = rng.integers(2**31, size=self.count)
        plan = [
            BatchIndex(task.name, tuple(rows[start : start + size].tolist()), int(seeds[start // size]))
            for start in range(0, len(rows), size)
        ]
        batches = load_batches(plan, {task.name: split}, {task.name: task.collate})
        return [batch.to(self.device) for batch in batches]
