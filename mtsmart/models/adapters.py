"""Encoders with adapters as folders: the plain encoder, which ``AutoModel`` loads, and what the adapters need.

::

    config.json, model.safetensors      the encoder without its adapters; where these merge, it computes the same
    adapters.json                       name -> settings of each adapter, in the order of adding
    adapted.safetensors                 the tensors of the adapted encoder that the plain one lacks or has otherwise

The last two are there only if the encoder has adapters. The parts of adapters that belong to a head are not here: they
are stored with the head, and ``model.safetensors`` holds the encoder without them.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtsmart.config.transforms import TRANSFORMS
from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from mtsmart.models.transform import Adapter, adapters_of, apply_transforms, tensors_of_head, use_head
from mtsmart.models.weights import load_state, state_of
from mtsmart.registry import no_package_has
from mtsmart.storage.durable import read_json
from mtsmart.storage.failures import reason_of

_SETTINGS = "adapters.json"
_WEIGHTS = "adapted.safetensors"


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write ``encoder`` into a folder that ``load_encoder`` and, without adapters, ``AutoModel`` load."""
    plain = without_adapters(encoder).model
    plain.save_pretrained(folder)
    if not encoder.adapters:
        return
    settings = {name: _settings(name).dump_python(value, mode="json") for name, value in encoder.adapters.items()}
    (folder / _SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    known = state_of(plain)
    lacking = {
        name: tensor
        for name, tensor in state_of(encoder.model, _of_heads(encoder)).items()
        if not _is_equal(tensor, known.get(_plain_name(encoder, name)))
    }
    save_file(lacking, folder / _WEIGHTS)


def _of_heads(encoder: Encoder) -> list[Tensor]:
    return [tensor for head in encoder.own_heads for tensor in tensors_of_head(encoder, head).values()]


def _plain_name(encoder: Encoder, name: str) -> str:
    for adapter in reversed(adapters_of(encoder)):
        name = adapter.plain_name(name)
    return name


def _is_equal(tensor: Tensor, other: Tensor | None) -> bool:
    return other is not None and tensor.dtype == other.dtype and torch.equal(tensor, other)


def read_adapters(folder: Path) -> dict[str, Any]:
    """The adapters that a saved encoder has, name -> settings; none where ``folder`` is not one of ours.

    Raises:
        CheckpointError: the file is damaged, or names an adapter that is not installed.
    """
    file = folder / _SETTINGS
    if not file.is_file():
        return {}
    try:
        stored = TypeAdapter(dict[str, Any]).validate_python(read_json(file))
        for name in stored:
            if name not in TRANSFORMS or not issubclass(TRANSFORMS[name], Adapter):
                raise CheckpointError("there is no such adapter", file=file, value=name, hint=_hint_for_missing(name))
        return {name: _settings(name).validate_python(value) for name, value in stored.items()}
    except ValidationError as error:
        raise CheckpointError(f"is damaged: {error.errors()[0]['msg']}", file=file) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=file) from None


def _hint_for_missing(name: str) -> str:
    """What the user can do about a stored adapter that is not installed."""
    hint = TRANSFORMS.hint(name)
    if TRANSFORMS.reason_missing(name) is not None or hint.startswith("Did you mean"):
        return hint
    return f"{no_package_has(TRANSFORMS.kind)}. {hint}"


def restore_adapters(encoder: Encoder, folder: Path, stored: dict[str, Any]) -> None:
    """Add what ``read_adapters`` gave to the plain encoder of the same folder, and load the tensors that it lacks.

    Raises:
        CheckpointError: tensors are missing, damaged, or of another encoder.
    """
    if not stored:
        return
    plain = encoder.model.state_dict().keys()
    for name, settings in stored.items():  # one by one, in the order of adding
        apply_transforms(encoder, {name: settings})
    file = folder / _WEIGHTS
    try:
        tensors = load_file(file)
        now = encoder.model.state_dict(keep_vars=True)
        known = [now[name] for name in now if name not in tensors and _plain_name(encoder, name) in plain]
        load_state(encoder.model, tensors, known)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"cannot be loaded: {reason_of(error)}", file=file) from None


def without_adapters(encoder: Encoder, head: str | None = None) -> Encoder:
    """The encoder in the form of its architecture: itself if it has no adapters, otherwise a copy without them.

    Args:
        encoder: stays as it is.
        head: the head for which it is; of the parts of adapters that belong to heads, the others are left out.
    """
    if not encoder.adapters:
        return encoder
    plain = copy.deepcopy(encoder)
    use_head(plain, head)
    for name, transform in reversed([*zip(encoder.adapters, adapters_of(encoder), strict=True)]):
        transform.remove(plain)
        del plain.adapters[name]
    return plain


def unmerged_adapters(encoder: Encoder) -> list[str]:
    """The adapters that cannot be merged into the weights of the architecture."""
    return [name for name in encoder.adapters if not getattr(TRANSFORMS[name], "merges", True)]


def _settings(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(TRANSFORMS[name].settings_type)
