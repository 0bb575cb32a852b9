"""One task as modules of the library sentence-transformers: encoder, pooling and the layers of a plain head.

::

    config.json, model.safetensors, tokenizer files    the encoder, which AutoModel loads
    modules.json                                        which modules follow one another
    1_Pooling/config.json                               how tokens become one vector
    2_Dense/, 3_Dense/ ...                              the head's layers, the last of which gives the logits

sentence-transformers calls the logits of a text, or of a pair, its embedding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedTokenizerBase

from mtsmart.models.adapters import without_adapters
from mtsmart.models.export_folder import Exported, Prepared, export_checked
from mtsmart.models.heads.plain import CLS, CLS_MEAN, SequenceHead, parts_of, pooled
from mtsmart.models.hugging_face import (
    LABELS_OWN,
    check_complete,
    check_equal,
    exported_tokenizer,
    own_logits,
    padding_note,
    probe_batch,
    refuse_adapters,
    saving,
)
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.output_unit import OutputUnit, fold
from mtsmart.models.pooling import CONFIG, KEYS, LAST, MODULES, POOLING, SENTENCE_TRANSFORMER

_PACKAGE = "sentence_transformers.models"
_SETTINGS = "sentence_bert_config.json"
_WEIGHTS = "model.safetensors"
_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Identity: "torch.nn.modules.linear.Identity",
    nn.Tanh: "torch.nn.modules.activation.Tanh",
}

Layer = tuple[nn.Linear, nn.Module]
"""A linear map and the activation after it."""


def has_modules(model: MultiTaskModel, head: str) -> bool:
    """Whether a head is the pooling of an encoder's tokens and layers that sentence-transformers has."""
    module = model.head(head)
    return isinstance(module, SequenceHead) and module.pool.how in (*KEYS, CLS_MEAN)


def export_modules(
    model: MultiTaskModel,
    head: str,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    max_length: int | None = None,
    card: Callable[[Exported], str] | None = None,
    overwrite: bool = False,
    unit: OutputUnit = LABELS_OWN,
) -> Exported:
    """Write the encoder with one of its heads as modules of sentence-transformers.

    The folder appears only once its files have been read again and have given this model's logits for a probe batch.

    Args:
        model, head: on the CPU in float32; the name of a head that :func:`has_modules`.
        tokenizer, folder, max_length, card, overwrite, unit: as for
            :func:`mtsmart.models.hugging_face.export_head`.

    Raises:
        CheckpointError: the encoder has adapters of its own kind, the folder is taken, or the logits differ.
        StorageError: the folder cannot be written.
    """

    def prepare() -> Prepared:
        refuse_adapters(model)
        whole = without_adapters(model.encoder, head).model
        saved = exported_tokenizer(tokenizer, whole, max_length)

        def write(aside: Path) -> None:
            saving(whole, saved)(aside)
            _write_modules(aside, model.head(head), model.encoder.hidden_size, max_length, unit)

        check = partial(_check_logits, model, head, saved, unit)
        note = padding_note(whole, saved)
        return Prepared(SENTENCE_TRANSFORMER, "modules of sentence-transformers", write, check, note=note)

    return export_checked(folder, overwrite, prepare, card)


def read_modules(folder: Path) -> Callable[[Tensor, Tensor], Tensor]:
    """The pooling and the layers of an exported folder, from its files alone.

    Returns:
        maps the encoder's output (B, T, H) and the mask (B, T) to logits (B, C).
    """
    settings = json.loads((folder / POOLING / CONFIG).read_text(encoding="utf-8"))
    at_end = bool(settings[LAST])
    found = [pooling for pooling, key in KEYS.items() if settings[key] or (pooling == CLS and at_end)]
    how = found[0] if len(found) == 1 else CLS_MEAN
    layers = [_read_layer(folder / module["path"]) for module in _modules(folder) if "Dense" in module["type"]]

    def forward(hidden: Tensor, mask: Tensor) -> Tensor:
        vectors = pooled(how, hidden, mask, at_end)
        for linear, activation in layers:
            vectors = activation(linear(vectors))
        return vectors

    return forward


def _layers_of(head: nn.Module) -> Iterator[Layer]:
    """The layers without their dropout, in their order."""
    assert isinstance(head, SequenceHead)
    for layer in [*head.layers.children(), head.output]:
        parts = list(layer.children())
        linear = next(part for part in parts if isinstance(part, nn.Linear))
        activation = parts[-1] if parts[-1] is not linear else nn.Identity()
        yield linear, activation


def _write_modules(folder: Path, head: nn.Module, width: int, max_length: int | None, unit: OutputUnit) -> None:
    assert isinstance(head, SequenceHead)
    layers = list(_layers_of(head))
    if unit != LABELS_OWN:
        layers[-1] = _giving_labels(layers[-1], unit)
    names = ["", POOLING, *(f"{number}_Dense" for number in range(2, 2 + len(layers)))]
    kinds = ["Transformer", "Pooling", *("Dense" for _ in layers)]
    modules = [
        {"idx": number, "name": str(number), "path": name, "type": f"{_PACKAGE}.{kind}"}
        for number, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    _write(folder / MODULES, modules)
    _write(folder / _SETTINGS, {"max_seq_length": max_length, "do_lower_case": False})
    modes = _modes(head.pool.how, head.pool.at_end)
    _write(folder / POOLING / CONFIG, {"word_embedding_dimension": width, **modes})
    for name, (linear, activation) in zip(names[2:], layers, strict=True):
        _write(
            folder / name / CONFIG,
            {
                "in_features": linear.in_features,
                "out_features": linear.out_features,
                "bias": True,
                "activation_function": _ACTIVATIONS[type(activation)],
            },
        )
        weights = {"linear.weight": linear.weight.detach(), "linear.bias": linear.bias.detach()}
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / name / _WEIGHTS)


def _modes(how: str, at_end: bool) -> dict[str, bool]:
    """Which poolings are on, by the keys of sentence-transformers."""
    chosen = [LAST if part == CLS and at_end else KEYS[part] for part in parts_of(how)]
    return {key: key in chosen for key in (*KEYS.values(), LAST)}


def _giving_labels(layer: Layer, unit: OutputUnit) -> Layer:
    """The last layer, with weights that make its outputs labels."""
    linear = nn.Linear(layer[0].in_features, layer[0].out_features)
    linear.load_state_dict(layer[0].state_dict())
    fold(unit, linear)
    return linear, layer[1]


def _read_layer(folder: Path) -> Layer:
    settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    linear = nn.Linear(settings["in_features"], settings["out_features"])
    tensors = load_file(folder / _WEIGHTS)
    linear.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in tensors.items()})
    named = {name: kind for kind, name in _ACTIVATIONS.items()}
    return linear, named[settings["activation_function"]]()


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = json.loads((folder / MODULES).read_text(encoding="utf-8"))
    return modules


def _write(file: Path, data: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@torch.no_grad()
def _check_logits(
    model: MultiTaskModel, head: str, tokenizer: PreTrainedTokenizerBase, unit: OutputUnit, folder: Path
) -> None:
    """Read the folder, and compare its logits for a batch with padding.

    Raises:
        CheckpointError: weights are missing, or logits differ.
    """
    again, loading = AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    check_complete(loading, folder)
    inputs = probe_batch(tokenizer, model.encoder.max_positions)
    logits = unit.to_labels(own_logits(model, head, inputs)).float()
    theirs = read_modules(folder)(again.eval()(**inputs).last_hidden_state, inputs["attention_mask"])
    check_equal(logits, theirs, unit, SENTENCE_TRANSFORMER, head)
