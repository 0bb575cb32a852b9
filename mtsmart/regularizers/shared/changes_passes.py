"""Methods that change the passes of a batch, and not its loss alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the tables of sweeps read methods without torch
    from mtsmart.data.batch import Batch
    from mtsmart.task_types import TaskType


class ChangesPasses(ABC):
    """A regulariser that changes what a training pass computes."""

    @abstractmethod
    def around(self, task: TaskType, batch: Batch) -> AbstractContextManager[Any]:
        """Entered around all passes of a batch, those of other methods included."""


@contextmanager
def changing_passes(regularizers: Iterable[object], task: TaskType, batch: Batch) -> Iterator[None]:
    """A context in which the passes of a batch are as the regularisers among these that change them want it."""
    with ExitStack() as stack:
        for regularizer in regularizers:
            if isinstance(regularizer, ChangesPasses):
                stack.enter_context(regularizer.around(task, batch))
        yield
