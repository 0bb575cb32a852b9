"""Resume points: everything that the rest of a run depends on, in safetensors and JSON.

::

    checkpoints/update-00000120/
        model.safetensors, optimizer.safetensors, random.safetensors, <regulariser>.safetensors
        state.json
        manifest.json       sizes and SHA-256 hashes of the files above
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from mtsmart.durable import check_manifest, read_json, replacing_folder
from mtsmart.errors import CheckpointError
from mtsmart.models.files import load_state, state_of
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.random_state import set_random_state
from mtsmart.regularizers import Regularizer
from mtsmart.runs.best_model import ENDING
from mtsmart.training.optim import load_optimizer
from mtsmart.training.sharding import Student

_NAME = re.compile(r"update-(\d{8})")
# A whole one, the model beside it, and what a killed process left of either.
_OURS = re.compile(rf"update-\d{{8}}({re.escape(ENDING)})?(\.new|\.old)?")
_DAMAGED = ".damaged"  # ending of what could not be resumed from
_ODD = (OSError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError)


def save_checkpoint(
    folder: Path,
    update: int,
    model: MultiTaskModel,
    regularizers: Mapping[str, Regularizer[Any]],
    optimizer: Mapping[str, Tensor],
    random: Sequence[Mapping[str, Tensor]],
    state: Mapping[str, Any],
) -> Path:
    """Write a resume point; it appears only when it is complete and on the disk.

    Args:
        folder: the run's ``checkpoints`` folder.
        update: how many updates are done.
        model, regularizers: with all their weights.
        optimizer: the tensors of its state; its learning rate follows from the update.
        random: the random state of each process.
        state: the trainer's own (JSON types).

    Raises:
        StorageError: it cannot be written; the resume points that are there stay as they are.
    """
    target = checkpoint_path(folder, update)
    with replacing_folder(target) as aside:
        save_file(state_of(model), aside / "model.safetensors")
        save_file(dict(optimizer), aside / "optimizer.safetensors")
        named = {f"{rank}.{name}": tensor for rank, one in enumerate(random) for name, tensor in one.items()}
        save_file(named, aside / "random.safetensors")
        for name, regularizer in regularizers.items():
            tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in regularizer.tensors().items()}
            save_file(tensors, aside / f"{name}.safetensors")
        states = {name: regularizer.state_dict() for name, regularizer in regularizers.items()}
        text = json.dumps({"update": update, **state, "regularizers": states}, indent=1)
        (aside / "state.json").write_text(text, encoding="utf-8")
    return target


def delete_old_checkpoints(folder: Path, keep: int, best: int | None = None) -> None:
    """Delete all resume points but the newest ``keep`` and that of update ``best``, and what a killed process left."""
    kept = {path.name for path in list_checkpoints(folder)[-keep:]}
    if best is not None:
        kept.add(checkpoint_path(folder, best).name)
    kept |= {name + ENDING for name in kept}
    for path in folder.glob("update-*"):
        if path.name not in kept and _OURS.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """The resume points in ``folder``, oldest first."""
    return sorted(path for path in folder.glob("update-*") if _NAME.fullmatch(path.name))


def newest_checkpoint(folder: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest resume point that is whole; None if there is none at all.

    Args:
        folder: the run's ``checkpoints`` folder.
        tell: told of each damaged one.

    Raises:
        CheckpointError: all of them are damaged.
    """
    damaged = []
    for path in reversed(list_checkpoints(folder)):
        try:
            check_manifest(path)
        except CheckpointError as error:
            damaged.append(error)
        else:
            for reason in damaged:
                tell(f"{reason}. Resuming from {path.name} instead")
            return path
    if damaged:
        hint = "No resume point is whole: start anew, in another folder"
        raise CheckpointError(damaged[0].message, file=damaged[0].file, hint=hint)
    return None


def put_newer_aside(point: Path) -> None:
    """Give the resume points after ``point``, which are damaged, another name: what comes again takes theirs."""
    for path in list_checkpoints(point.parent):
        if path.name > point.name:
            target = path.with_name(path.name + _DAMAGED)
            shutil.rmtree(target, ignore_errors=True)
            path.rename(target)


def stored_rows(path: Path) -> dict[str, Any]:
    """What ``describe_rows`` said of the data when a whole resume point was written."""
    with resuming(path):
        rows: dict[str, Any] = dict(read_json(path / "state.json").get("rows", {}))
    return rows


def _check_numbers(path: Path, state: Mapping[str, Any]) -> None:
    if not isinstance(state["regularizers"], dict):
        raise ValueError("state.json: regularizers is no mapping")
    if path != checkpoint_path(path.parent, state["update"]):
        raise ValueError(f"state.json is of update {state['update']}")
    for name in ("epoch", "batch"):
        if not isinstance(state[name], int) or state[name] < 0:
            raise ValueError(f"state.json: {name} is no count, got {state[name]!r}")


@contextmanager
def resuming(path: Path) -> Iterator[None]:
    """Inside it, what a resume point lacks or holds in another form is one error."""
    try:
        yield
    except _ODD as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"cannot be resumed from: {reason}", file=path) from None


def checkpoint_path(folder: Path, update: int) -> Path:
    """The resume point of an update."""
    return folder / f"update-{update:08d}"


def load_checkpoint(
    path: Path, student: Student, regularizers: Mapping[str, Regularizer[Any]], optimizer: Optimizer, rank: int = 0
) -> dict[str, Any]:
    """Put a resume point's state into model, regularisers, optimizer and random generators.

    Args:
        path: the resume point.
        student, regularizers, optimizer: what takes the state.
        rank: this process's number; one that was not there before draws from where it stands.

    Returns:
        the trainer's own state.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
    """
    with resuming(path):
        state: dict[str, Any] = read_json(path / "state.json")
        _check_numbers(path, state)
        model = student.whole()
        load_state(model, load_file(path / "model.safetensors"))
        student.set()
        load_optimizer(optimizer, load_file(path / "optimizer.safetensors"), student.trained)
        for name, regularizer in regularizers.items():
            if name in state["regularizers"]:
                regularizer.load_state(state["regularizers"][name], load_file(path / f"{name}.safetensors"))
            else:  # the interrupted run had none, and the user allowed the change
                regularizer.start(model, state["update"])
        random = load_file(path / "random.safetensors")
        own = {name.removeprefix(f"{rank}."): random[name] for name in random if name.startswith(f"{rank}.")}
        if own:
            set_random_state(own, model.device)
    return state
