"""SMART's smoothness-inducing term, one perturbation per task.

Jiang et al. 2020, equations 2 and 3: R(theta) = mean over x of max over ||delta|| <= epsilon of
l_s(f(x + delta), f(x)), with l_s the symmetric KL for distributions and the squared error for regression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from mtsmart.config.regularization import Smart
from mtsmart.losses.directions import drawing
from mtsmart.models.dropout import without_dropout
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers.base import CleanPass, Regularizer, is_due
from mtsmart.regularizers.noise import Noise
from mtsmart.regularizers.perturbation import find_perturbation, gradient_of


class SmartRegularizer(Regularizer):
    """Adds ``weight * div(f(x + delta), f(x))`` with gradients through both sides.

    Args:
        model: the student.
        configs: task -> its complete settings.
    """

    def __init__(self, model: MultiTaskModel, configs: Mapping[str, Smart]) -> None:
        self.model, self.configs, self.updates = model, dict(configs), 0
        # Fixed at the start of the run: a unit that moved with the weights would make radii incomparable.
        self.embedding_rms = model.encoder.embedding_rms()

    def loss(self, clean: CleanPass) -> tuple[Tensor, dict[str, Tensor]] | None:
        """See :class:`Regularizer`."""
        config = self.configs[clean.task.name]
        if config.weight == 0 or not is_due(self.updates, config.every):
            return None
        reference = self._reference(clean, config)
        delta = self._perturbation(clean, reference, config)
        with self._dropout(clean, config):
            perturbed = clean.forward(clean.inputs_embeds + delta)
        term = clean.divergence(perturbed, reference, "adv_loss")
        return config.every * config.weight * term, self._figures(clean, delta, perturbed, reference, term)

    def _reference(self, clean: CleanPass, config: Smart) -> Tensor:
        """The clean prediction. With dropout off it needs a pass of its own: the training pass has masks."""
        if config.dropout != "off":
            return clean.logits
        with without_dropout(self.model):
            return clean.forward(clean.inputs_embeds)

    def _perturbation(self, clean: CleanPass, reference: Tensor, config: Smart) -> Tensor:
        inputs_embeds = clean.inputs_embeds.detach()

        def divergence(delta: Tensor) -> Tensor:
            with self._dropout(clean, config):
                logits = clean.forward(inputs_embeds + delta)
            return clean.task.divergence(logits, reference.detach(), clean.batch, "adv_loss")

        unit = self.embedding_rms if config.epsilon_unit == "relative" else 1.0
        one_pass = config.direction == "fisher" and config.steps > 0
        noise = Noise(clean.batch, inputs_embeds.device)
        direction = _one_pass(clean, reference, noise) if one_pass else None
        mask = clean.batch.attention_mask
        return find_perturbation(divergence, inputs_embeds, mask, config, unit, direction, noise.of_sequences)

    def _dropout(self, clean: CleanPass, config: Smart) -> AbstractContextManager[Any]:
        if config.dropout == "shared":
            return clean.masks.replayed()
        return without_dropout(self.model) if config.dropout == "off" else nullcontext()

    @torch.no_grad()
    def _figures(
        self, clean: CleanPass, delta: Tensor, perturbed: Tensor, reference: Tensor, term: Tensor
    ) -> dict[str, Tensor]:
        real = clean.batch.attention_mask.unsqueeze(-1).to(delta.dtype)
        length = delta.norm() / (clean.inputs_embeds.detach() * real).norm()
        flips = clean.task.flips(perturbed, reference, clean.batch)
        figures = {"delta/x": length} if flips is None else {"delta/x": length, "flips": flips}
        scaled = {name: clean.batch.scaled(figure, "divergence") for name, figure in figures.items()}
        return {"R": term.detach(), **scaled}

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """The unit of relative lengths is that of the present weights."""
        self.embedding_rms, self.updates = model.encoder.embedding_rms(), updates

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Count it."""
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """The unit of relative lengths, and how many updates there were."""
        return {"embedding_rms": self.embedding_rms, "updates": self.updates}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Take the unit of the run that goes on, not of its present weights."""
        self.embedding_rms, self.updates = float(state["embedding_rms"]), int(state["updates"])


def _one_pass(clean: CleanPass, reference: Tensor, noise: Noise) -> Tensor:
    """J^T u (B, T, H) through the clean graph, with u drawn by the divergence's Hessian (docs/one-pass-attack.md)."""
    with drawing(noise.of_rows):
        projection = clean.task.divergence(reference, reference.detach(), clean.batch, "direction")
    return gradient_of(projection, clean.inputs_embeds, retain_graph=True)
