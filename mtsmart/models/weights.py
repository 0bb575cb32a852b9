"""What of a model is trained, what is saved, and what an averaging teacher averages.

Trained is what requires a gradient; the rest is frozen and stays as the encoder was loaded. So the optimizer moves the
trained parameters, a teacher averages them and shares the frozen ones, and a resume point leaves the frozen ones out:
they come from the encoder again. A finished model is saved whole.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
_FROZEN = "frozen"  # the digest of what was left out, in the metadata of a safetensors file


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that the optimizer moves, by name; one with several names (tied weights) goes under its first."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def frozen(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that keep their values, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if not parameter.requires_grad}


def teacher_of(model: M) -> M:
    """A copy for an averaging teacher: in evaluation mode, without gradients; it shares the frozen parameters."""
    shared = {id(parameter): parameter for parameter in frozen(model).values()}
    return copy.deepcopy(model, shared).eval().requires_grad_(False)


def state_of(module: nn.Module, without: Iterable[Tensor] = ()) -> dict[str, Tensor]:
    """The module's tensors, contiguous and on the CPU, as safetensors needs them.

    Args:
        module: a tensor with several names (tied weights) goes under its first.
        without: tensors that are left out.
    """
    return {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(module, without).items()}


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], without: Iterable[Tensor] = ()) -> None:
    """Put what ``state_of`` gave back into a module of the same form; what is ``without`` stays as it is.

    Raises:
        RuntimeError: a tensor is missing, unknown, or of another shape.
    """
    wanted = _tensors(module, without).keys()
    missing = wanted - tensors.keys()
    unknown = tensors.keys() - _tensors(module).keys()
    for problem, names in (("lacks", missing), ("has no place for", unknown)):
        if names:
            raise RuntimeError(f"{problem} {', '.join(sorted(names)[:3])}")
    module.load_state_dict({name: tensors[name] for name in wanted}, strict=False)


def shared_tensors(module: nn.Module) -> Iterable[Tensor]:
    """All tensors of a module, themselves and not copies, for ``without``."""
    tensors: Iterable[Tensor] = module.state_dict(keep_vars=True).values()
    return tensors


def save_for_resuming(model: nn.Module, file: Path) -> None:
    """Write all tensors but the frozen parameters, and a digest of these."""
    left_out = frozen(model)
    tensors = state_of(model, left_out.values())
    save_file(tensors, file, {_FROZEN: _digest(left_out)} if left_out else None)


def load_for_resuming(model: nn.Module, file: Path) -> None:
    """Put back what ``save_for_resuming`` wrote; files that hold the frozen parameters too are as good.

    Raises:
        ValueError: the model's own tensors are not those that were left out, so its encoder has changed.
        RuntimeError: a tensor is missing, unknown, or of another shape.
    """
    tensors = load_file(file)
    with safe_open(file, "pt") as opened:
        expected = (opened.metadata() or {}).get(_FROZEN)
    everything = _tensors(model)
    left_out = {name: tensor for name, tensor in everything.items() if name not in tensors}
    if expected is None or not left_out:
        load_state(model, tensors)
        return
    load_state(model, tensors, left_out.values())
    if _digest(left_out) != expected:
        raise ValueError("it leaves out the frozen parts of the encoder, and they are not those of the encoder now")


def _tensors(module: nn.Module, without: Iterable[Tensor] = ()) -> dict[str, Tensor]:
    seen = {id(tensor) for tensor in without}
    own: dict[str, Tensor] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            own[name] = tensor
        seen.add(id(tensor))
    return own


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
