"""The multi-task model: one encoder, one head a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtsmart.cpu.linear import speed_up_linears
from mtsmart.models.encoder import Encoder, in_full_precision
from mtsmart.models.heads import HeadSpec, build_head
from mtsmart.models.heads.windows import WINDOWS, WindowPooling, pool_windows, pooling_of
from mtsmart.models.transform import add_heads, use_head

_LISTS = 8  # Rows of lists have several sequences each, so a batch of usual ones goes through the encoder at once.


class MultiTaskModel(nn.Module):
    """A shared encoder and named heads.

    Args:
        encoder: the shared encoder.
        specs: head name -> how it is built, in the order in which their weights are drawn.
    """

    def __init__(self, encoder: Encoder, specs: Mapping[str, HeadSpec]) -> None:
        super().__init__()
        self.encoder = encoder
        self.specs = dict(specs)
        # The suffix keeps a task called "keys" or "pop" from colliding with ModuleDict's methods.
        self.heads = nn.ModuleDict({_key(name): _built(encoder, spec) for name, spec in specs.items()})
        add_heads(encoder, specs)
        speed_up_linears(self)

    def head(self, name: str) -> nn.Module:
        """The head called ``name``."""
        return self.heads[_key(name)]

    def embed(self, input_ids: Tensor) -> Tensor:
        """Word embeddings. (B, T) int64 -> (B, T, H)."""
        embeddings: Tensor = self.encoder.embed(input_ids)
        return embeddings

    def forward(self, head: str, inputs_embeds: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Logits of one head.

        Args:
            head: the head's name.
            inputs_embeds: (B, T, H) word embeddings, perturbed or not.
            inputs: the batch's inputs.

        Returns:
            (B, C) for sequence heads, (B, T, C) for token heads. B counts rows where rows have several windows.
        """
        return self.logits(head, self.encode(head, inputs_embeds, inputs), inputs)

    def encode(self, head: str, inputs_embeds: Tensor, inputs: dict[str, Tensor]) -> Any:
        """The encoder's outputs for one head, with the head's own adapters where there are such.

        Unless the encoder is ``by_head``, they are the same for all heads.

        Args:
            head, inputs_embeds, inputs: as for ``forward``.

        Returns:
            the Hugging Face model output.
        """
        use_head(self.encoder, head)
        return self.encoder(inputs_embeds, inputs)

    def logits(self, head: str, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """One head's logits from the encoder's outputs, which several heads may read.

        Heads compute in float32 also under autocast. Logits in bfloat16 have 8 bits of mantissa, and a divergence
        between two of them that differ little is mostly the rounding.
        """
        with torch.autocast(self.device.type, enabled=False):
            full = in_full_precision(outputs)
            module = self.head(head)
            logits: Tensor = module(full, inputs)
            return pool_windows(module, logits, full[0], inputs)

    @torch.no_grad()
    def logits_in_parts(self, heads: Sequence[str], inputs: dict[str, Tensor], most: int) -> list[Tensor]:
        """The logits of several heads that read the same inputs, as ``forward`` gives them for each; no gradients.

        A row may have any number of windows or candidates. Where a batch has many, ``most`` token sequences at a time
        go through the encoder and the heads, so that memory does not grow with them.

        Args:
            heads: their names.
            inputs: the batch's inputs.
            most: token sequences.
        """
        places = inputs.get(WINDOWS)
        count = len(inputs["input_ids"])
        if count <= (_LISTS * most if places is None else most):
            return [self.logits(head, outputs, inputs) for head, outputs in self._encoded(heads, inputs)]
        sequences = {name: tensor for name, tensor in inputs.items() if name != WINDOWS}
        starts = range(0, count, most)
        parts = [{name: tensor[start : start + most] for name, tensor in sequences.items()} for start in starts]
        of_parts = zip(*(self._of_part(heads, part) for part in parts), strict=True)
        return [self._joined(head, found, places) for head, found in zip(heads, of_parts, strict=True)]

    def _encoded(self, heads: Sequence[str], inputs: dict[str, Tensor]) -> Iterator[tuple[str, Any]]:
        """Each head with the encoder's outputs, which are computed once unless heads have adapters of their own."""
        embeddings = self.embed(inputs["input_ids"])
        outputs = self.encode(heads[0], embeddings, inputs)
        for head in heads:
            if self.encoder.by_head and head != heads[0]:
                outputs = self.encode(head, embeddings, inputs)
            yield head, outputs

    def _of_part(self, heads: Sequence[str], inputs: dict[str, Tensor]) -> list[tuple[Tensor, Tensor | None]]:
        """The logits of each head, and what weighs the windows of a row where the head learns it."""
        encoded = self._encoded(heads, inputs)
        return [(self.logits(head, outputs, inputs), self._scores(head, outputs, inputs)) for head, outputs in encoded]

    def _scores(self, head: str, outputs: Any, inputs: dict[str, Tensor]) -> Tensor | None:
        pooling = pooling_of(self.head(head))
        if pooling is None or pooling.score is None:
            return None
        with torch.autocast(self.device.type, enabled=False):
            return pooling.scores(in_full_precision(outputs)[0], inputs["attention_mask"])

    def _joined(self, head: str, found: Sequence[tuple[Tensor, Tensor | None]], places: Tensor | None) -> Tensor:
        """The logits of a whole batch, from those of its parts."""
        logits = torch.cat([of_part for of_part, _ in found])
        pooling = pooling_of(self.head(head))
        if pooling is None or places is None:
            return logits
        scores = [of_part for _, of_part in found if of_part is not None]
        return pooling.pool(logits, torch.cat(scores) if scores else None, places)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device


def _built(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A new head, which pools windows if its task reads them."""
    head = build_head(encoder, spec)
    if spec.windows is not None:
        head.add_module(WINDOWS, WindowPooling(encoder, spec.windows))
    return head


def _key(name: str) -> str:
    return f"{name}_head"
