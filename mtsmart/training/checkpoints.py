"""Resume points: everything that the rest of a run depends on, in safetensors and JSON.

::

    checkpoints/update-00000120/
        model.safetensors, optimizer.safetensors, random.safetensors, <regulariser>.safetensors
        state.json
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from mtsmart.errors import CheckpointError
from mtsmart.models.files import load_state, state_of
from mtsmart.random_state import random_state, set_random_state
from mtsmart.training.step import TrainStep

_NAME = re.compile(r"update-(\d{8})")


def save_checkpoint(
    folder: Path, update: int, step: TrainStep, optimizer: Optimizer, state: Mapping[str, Any], keep: int
) -> Path:
    """Write a resume point, then delete all but the newest ``keep``.

    Args:
        folder: the run's ``checkpoints`` folder.
        update: how many updates are done.
        step: model and regularisers.
        optimizer: its state goes along; its learning rate follows from the update.
        state: the trainer's own (JSON types).
        keep: how many resume points stay.
    """
    target = folder / f"update-{update:08d}"
    aside = folder / f"{target.name}.new"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_file(state_of(step.model), aside / "model.safetensors")
    save_file(_optimizer_tensors(optimizer), aside / "optimizer.safetensors")
    save_file(random_state(step.model.device), aside / "random.safetensors")
    for name, regularizer in step.regularizers.items():
        tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in regularizer.tensors().items()}
        save_file(tensors, aside / f"{name}.safetensors")
    regularizers = {name: regularizer.state_dict() for name, regularizer in step.regularizers.items()}
    text = json.dumps({"update": update, **state, "regularizers": regularizers}, indent=1)
    (aside / "state.json").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)
    for old in list_checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def list_checkpoints(folder: Path) -> list[Path]:
    """The resume points in ``folder``, oldest first."""
    return sorted(path for path in folder.glob("update-*") if _NAME.fullmatch(path.name))


def load_checkpoint(path: Path, step: TrainStep, optimizer: Optimizer) -> dict[str, Any]:
    """Put a resume point's state into model, regularisers, optimizer and random generators.

    Returns:
        the trainer's own state.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
    """
    try:
        state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
        load_state(step.model, load_file(path / "model.safetensors"))
        _load_optimizer(optimizer, load_file(path / "optimizer.safetensors"))
        for name, regularizer in step.regularizers.items():
            regularizer.load_state(state["regularizers"][name], load_file(path / f"{name}.safetensors"))
        set_random_state(load_file(path / "random.safetensors"), step.model.device)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"cannot be resumed from: {reason}", file=path) from None
    return state


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Optimizer state as ``<parameter>.<name>`` -> tensor."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value).detach().cpu().contiguous()
        for index, values in state.items()
        for name, value in values.items()
    }


def _load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
