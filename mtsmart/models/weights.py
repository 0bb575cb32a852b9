"""What of a model is trained, what is saved, and what an averaging teacher averages.

Trained is what requires a gradient; the rest is frozen and stays as the encoder was loaded. So the optimizer moves the
trained parameters, a teacher averages them and shares the frozen ones, and a resume point leaves the frozen ones out:
they come from the encoder again. A finished model is saved whole.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

M = TypeVar("M", bound=nn.Module)


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that the optimizer moves, by name; one with several names (tied weights) goes under its first."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def frozen(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that keep their values, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if not parameter.requires_grad}


def teacher_of(model: M) -> M:
    """A copy for an averaging teacher: in evaluation mode, without gradients.

    It shares the frozen parameters, and the configurations of transformers, which nothing changes once a model is
    built.
    """
    configs = [getattr(module, "config", None) for module in model.modules()]
    kept = [config for config in configs if isinstance(config, PreTrainedConfig)]
    shared = {id(part): part for part in (*frozen(model).values(), *kept)}
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


@torch.no_grad()
def check_finite(module: nn.Module) -> None:
    """Refuse weights that are not finite. A model that has them predicts something for each text, and means nothing.

    Raises:
        ValueError: names the first tensor that is not finite.
    """
    for name, tensor in module.named_parameters():
        # One sum is cheap. It is not finite if one value is not, and in rare cases because it overflows.
        if not math.isfinite(float(tensor.sum())) and not bool(tensor.isfinite().all()):
            raise ValueError(f"its weights are not finite: {name} holds {tensor[~tensor.isfinite()][0].item()}")


def shared_tensors(module: nn.Module) -> Iterable[Tensor]:
    """All tensors of a module, themselves and not copies, for ``without``."""
    tensors: Iterable[Tensor] = module.state_dict(keep_vars=True).values()
    return tensors


def tensors_for_resuming(model: nn.Module) -> dict[str, Tensor]:
    """All tensors but the frozen parameters, for a resume point."""
    return state_of(model, frozen(model).values())


def digest_of_frozen(model: nn.Module) -> str | None:
    """What stands for the frozen parameters in a resume point; None if there are none."""
    left_out = frozen(model)
    return _digest(left_out) if left_out else None


def resume_from(model: nn.Module, tensors: Mapping[str, Tensor], digest: str | None) -> None:
    """Put back what ``tensors_for_resuming`` gave; tensors that hold the frozen parameters too are as good.

    Args:
        model: of the same form.
        tensors: those of the resume point.
        digest: what ``digest_of_frozen`` gave.

    Raises:
        ValueError: the model's own tensors are not those that were left out, so its encoder has changed.
        RuntimeError: a tensor is missing, unknown, or of another shape.
    """
    left_out = {name: tensor for name, tensor in _tensors(model).items() if name not in tensors}
    if digest is None or not left_out:
        load_state(model, tensors)
        return
    load_state(model, tensors, left_out.values())
    if _digest(left_out) != digest:
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
