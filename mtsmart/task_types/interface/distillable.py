"""Optional part: a task type that can learn from the stored predictions of finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

import torch
from torch import Tensor

from mtsmart.data.batch import Batch
from mtsmart.losses import ENSEMBLES


class TaughtBy(Enum):
    """What one output of a teacher belongs to; the value is the encoded column in which teacher and student must agree.

    Attributes:
        ROW: a source row. The teacher may read it with another tokenizer.
        TOKEN: a token. The teacher must read the same tokens.
    """

    ROW = "row"
    TOKEN = "input_ids"


class Distillable:
    """Says how a teacher's outputs are stored, and how they become the target of a batch."""

    divergences: ClassVar[tuple[str, ...]]
    taught_by: ClassVar[TaughtBy] = TaughtBy.ROW
    tempered: ClassVar[bool] = True  # whether a temperature softens the predictions

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """Undo ``unbatch``: from one tensor a row to logits as ``adapt`` returns them.

        The values on padding have no effect. This is called on the CPU when the batch is made.
        """
        return torch.stack(list(rows))

    def ensemble(self, logits: Sequence[Tensor], batch: Batch, temperature: float) -> Tensor:
        """The mean of several teachers' predictions, in the same form.

        It averages what the type's default divergence compares: softmax probabilities, sigmoids, or plain values.

        Args:
            logits: E tensors as ``rebatch`` returns them.
            batch: says which positions count.
            temperature: T; probabilities are those of logits / T.
        """
        return ENSEMBLES[self.divergences[0]](logits, temperature)
