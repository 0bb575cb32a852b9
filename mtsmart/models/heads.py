"""Heads: from the shared encoder's outputs to a task's logits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from mtsmart.errors import CheckpointError
from mtsmart.registry import Registry


@dataclass(frozen=True)
class HeadSpec:
    """All that is needed to build a head again; stored beside its weights.

    Attributes:
        kind: what the head predicts, for example ``sequence_classification``.
        num_labels: C, width of the logits.
        type: entry of the head registry.
        dropout: None leaves the architecture's own.
        labels: names of the C outputs; None for a regression.
    """

    kind: str
    num_labels: int
    type: str = "native"
    dropout: float | None = None
    labels: list[str] | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON mapping; ``HeadSpec(**mapping)`` gives an equal one."""
        return asdict(self)


HEADS: Registry[Callable[[Any, HeadSpec], nn.Module]] = Registry("head type")
_NATIVE_CLASSES: dict[str, Any] = {"sequence_classification": AutoModelForSequenceClassification}


def build_head(encoder_config: Any, spec: HeadSpec) -> nn.Module:
    """A freshly initialised head, drawn from torch's global generator.

    The module maps (encoder outputs, inputs) to logits (B, C).
    """
    return HEADS[spec.type](encoder_config, spec)


@HEADS.register("native")
class NativeHead(nn.Module):
    """The head of the architecture's own Hugging Face task class.

    The task class is built whole, then its encoder is taken out and a stand-in put in its place that hands over the
    shared encoder's outputs. So pooling, activation, dropout and parameter names are the class's own, in every
    architecture, and exporting a task later is exact.
    """

    def __init__(self, encoder_config: Any, spec: HeadSpec) -> None:
        super().__init__()
        config = copy.deepcopy(encoder_config)
        config.num_labels = spec.num_labels
        try:
            with torch.device("meta"):  # the encoder that is thrown away costs neither memory nor random numbers
                model: PreTrainedModel = _NATIVE_CLASSES[spec.kind].from_config(config)
        except ValueError:
            raise CheckpointError(
                f"the architecture has no Hugging Face class for {spec.kind}", value=type(encoder_config).__name__
            ) from None
        self._handover = _Handover()
        setattr(model, model.base_model_prefix, self._handover)
        model.to_empty(device="cpu")
        with torch.no_grad():
            for module in model.modules():
                model._init_weights(module)
        if spec.dropout is not None:
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = spec.dropout
        self.model = model

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """Logits (B, C) from the encoder's outputs."""
        with self._handover.holding(outputs):
            logits: Tensor = self.model(inputs_embeds=outputs[0], attention_mask=inputs["attention_mask"]).logits
        return logits


class _Handover(nn.Module):
    """Stands where a task class has its encoder, and returns outputs computed elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._outputs: Any = None

    @contextmanager
    def holding(self, outputs: Any) -> Iterator[None]:
        """Hand over ``outputs`` while the context lasts."""
        self._outputs = outputs
        try:
            yield
        finally:
            self._outputs = None

    def forward(self, *_: Any, **__: Any) -> Any:
        return self._outputs
