"""Random numbers for a batch, from the batch's own seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import torch
from torch import Tensor

from mtsmart.data.batch import Batch


class Noise:
    """Draws for one batch, one after the other; a part of the batch gets its part of what the whole would get.

    So the numbers depend neither on what else is drawn (dropout masks) nor on how many processes share the batch.

    Args:
        batch: gives the seed, and says which part it is.
        device: where the numbers are drawn.
        stream: a name. Draws of different names are independent, also for the same batch.
    """

    def __init__(self, batch: Batch, device: torch.device, stream: str = "") -> None:
        seed = batch.seed ^ zlib.crc32(stream.encode())  # 0 for the empty name
        self._generator = torch.Generator(device).manual_seed(seed)
        self._rows = batch.part.rows if batch.part else None
        self._sequences = batch.part.sequences if batch.part else None

    def of_rows(self, like: Tensor) -> Tensor:
        """N(0, 1) with the shape (B, ...), dtype and device of ``like``, which has an entry for each row."""
        return self._draw(torch.randn, like, self._rows)

    def of_sequences(self, like: Tensor) -> Tensor:
        """The same for an entry for each token sequence."""
        return self._draw(torch.randn, like, self._sequences)

    def uniform_of_sequences(self, like: Tensor) -> Tensor:
        """U(-1, 1) for an entry for each token sequence."""
        return 2 * self._draw(torch.rand, like, self._sequences) - 1

    def _draw(self, draw: Callable[..., Tensor], like: Tensor, place: tuple[int, int] | None) -> Tensor:
        first, total = place or (0, len(like))
        shape = (total, *like.shape[1:])
        whole = draw(shape, dtype=like.dtype, device=like.device, generator=self._generator)
        return whole[first : first + len(like)]
