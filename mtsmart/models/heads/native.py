"""The head of the architecture's own Hugging Face task class."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from mtsmart.errors import CheckpointError
from mtsmart.models.checks.same_settings import SameSettings
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads.base import HEADS, HeadSpec, gather_positions

NATIVE_CLASSES: dict[str, Any] = {
    "sequence_classification": AutoModelForSequenceClassification,
    "multiple_choice": AutoModelForMultipleChoice,
    "token_classification": AutoModelForTokenClassification,
    "question_answering": AutoModelForQuestionAnswering,
    "masked_lm": AutoModelForMaskedLM,
}
# Kinds for which Longformer's classes choose tokens that attend to the whole text.
_READS_WHOLE = ("sequence_classification", "multiple_choice", "question_answering")
_GLOBAL_ATTENTION = "global_attention_mask"
_SPARE = 2**26  # parameters that any head may have


@HEADS.register("native")
class NativeHead(nn.Module):
    """A Hugging Face task class without its encoder.

    The whole task class is built. Then a module that returns the shared encoder's outputs replaces its encoder. So
    pooling, activation, dropout and parameter names are those of the class in every architecture, and an exported task
    computes exactly the same.

    Raises:
        CheckpointError: the architecture has no class for this kind of task, or its configuration asks for a head that
            is far larger than the encoder.
    """

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        self.kind = spec.kind
        model = _task_model(encoder.model, spec)
        self._encoder_outputs = getattr(model, model.base_model_prefix)
        tied = _tied_names(model)
        _check_room(model, encoder, spec)
        model.to_empty(device="cpu")
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                tensor.zero_()  # Some classes leave their biases out when they set the first values.
            for module in model.modules():
                model._init_weights(module)
        # to_empty gives each name its own parameter. So tied parameters, such as the two biases of a masked-LM head,
        # are tied again.
        for first, *others in tied:
            for name in others:
                _set_parameter(model, name, model.get_parameter(first))
        if spec.dropout is not None:
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = spec.dropout
        self.model = model
        if spec.kind == "masked_lm":  # The output matrix is the matrix of word embeddings, as in the pretrained model.
            outputs = model.get_output_embeddings()
            if outputs is None:
                raise _refusal(f"{type(model).__name__} does not say which matrix gives its outputs", encoder.config)
            outputs.weight = encoder.word_embeddings

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logits from the encoder's outputs. :func:`build_head` gives the shapes."""
        hidden: Tensor = outputs[0]
        mask: Tensor | None = inputs["attention_mask"]
        if self.kind == "multiple_choice":  # Each row is a list of one candidate, and the task type groups the rows.
            hidden = hidden.unsqueeze(1)
            mask = inputs["attention_mask"].unsqueeze(1)
        if self.kind == "masked_lm":
            chosen = gather_positions(hidden, inputs["positions"])
            outputs = type(outputs)(**{**outputs, "last_hidden_state": chosen})
            mask = None
        with self._encoder_outputs.returning(outputs):
            result = self.model(**self._words(hidden, inputs["attention_mask"]), attention_mask=mask)
        if self.kind == "question_answering":
            return torch.stack([result.start_logits, result.end_logits], dim=-1)
        logits: Tensor = result.logits
        return logits

    def _words(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """What tells the class the shape of its input, and where texts end.

        Decoders have no token for a whole text. Their classes read the last token that is no padding, and find it by
        the token ids. These ids say no more than which tokens are padding.
        """
        if self.kind != "sequence_classification":
            return {"inputs_embeds": hidden}
        padding = self.model.config.get_text_config().pad_token_id
        return {"input_ids": torch.where(mask.bool(), padding + 1, padding)}


def _task_model(encoder: PreTrainedModel, spec: HeadSpec) -> PreTrainedModel:
    """The task class on the device ``meta``, with a place for the encoder's outputs instead of its encoder."""
    config = copy.deepcopy(encoder.config)
    text_config = config.get_text_config()
    if getattr(text_config, "pad_token_id", None) is None:
        text_config.pad_token_id = 0  # Any number does; see _words.
    if spec.kind != "masked_lm":
        config.num_labels = 2 if spec.kind == "question_answering" else spec.num_labels
    encoder_class: Any = type(encoder)
    model = copy.deepcopy(_without_encoder(spec.kind, encoder_class, SameSettings.of(config)))
    accepted = inspect.signature(model.forward).parameters
    if spec.kind in _READS_WHOLE and _GLOBAL_ATTENTION in accepted:
        raise _refusal(f"{type(model).__name__} needs global attention, which the shared encoder does not have", config)
    return model


@lru_cache(maxsize=32)  # Several tasks, and teachers, have equal heads. The class's own encoder takes long to build.
def _without_encoder(kind: str, encoder: type[PreTrainedModel], same: SameSettings) -> PreTrainedModel:
    try:
        with torch.device("meta"):  # The class's own encoder is replaced, so it should use no memory or random numbers.
            model: PreTrainedModel | None = NATIVE_CLASSES[kind].from_config(same.config)
    except ValueError:  # transformers has no class for this architecture.
        model = None
    # A class with a decoder, such as T5's, does not work with an encoder alone either.
    if model is None or not issubclass(encoder, type(getattr(model, model.base_model_prefix, None))):
        raise _refusal(f"the architecture has no Hugging Face class for {kind}", same.config)
    setattr(model, model.base_model_prefix, _EncoderOutputs())
    return model


def _refusal(message: str, config: PreTrainedConfig) -> CheckpointError:
    hint = "Use mtsmart's own head: head: {type: plain}"
    return CheckpointError(message, value=type(config).__name__, hint=hint)


def _check_room(model: nn.Module, encoder: Encoder, spec: HeadSpec) -> None:
    """Refuse a head that is far larger than the encoder. Memory is not reserved for ``model`` yet."""
    size = sum(parameter.numel() for parameter in model.parameters())
    body = sum(parameter.numel() for parameter in encoder.parameters())
    outputs = 2 * spec.num_labels * encoder.hidden_size  # Some classes project twice to the outputs.
    if size > body + outputs + _SPARE:
        message = f"its configuration asks for a head of {size:,} parameters, and the encoder has {body:,}"
        raise CheckpointError(message, file="encoder", value=spec.kind)


def _tied_names(model: nn.Module) -> list[list[str]]:
    """The names of each parameter that has several names."""
    names: dict[nn.Parameter, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(parameter, []).append(name)
    return [group for group in names.values() if len(group) > 1]


def _set_parameter(model: nn.Module, name: str, parameter: nn.Parameter) -> None:
    place, _, last = name.rpartition(".")
    setattr(model.get_submodule(place), last, parameter)


class _EncoderOutputs(nn.Module):
    """Replaces a task class's encoder. It returns outputs that the shared encoder computed in the same thread."""

    _held = threading.local()  # It is a class attribute, because modules are copied and thread-local objects cannot be.

    @contextmanager
    def returning(self, outputs: Any) -> Iterator[None]:
        """A context in which the module returns ``outputs``."""
        self._held.outputs = outputs
        try:
            yield
        finally:
            self._held.outputs = None

    def forward(self, *_: Any, **__: Any) -> Any:
        return self._held.outputs
