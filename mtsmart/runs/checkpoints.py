"""Resume points as files: named groups of tensors, and a state in JSON. Nothing here knows what they mean.

::

    checkpoints/update-00000120/
        model.safetensors, optimizer.safetensors, random.safetensors, <regulariser>.safetensors
        state.json
        manifest.json       sizes and SHA-256 hashes of the files above
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtsmart.errors import CheckpointError, reason_in
from mtsmart.runs.best_model import ENDING, keep_model, put_model_back
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import check_manifest, read_json, replacing_folder
from mtsmart.storage.owned import remove_written
from mtsmart.text.json_text import json_text
from mtsmart.unforeseen import place_of

_NAME = re.compile(r"update-(\d{8})")
_OURS = re.compile(rf"update-\d{{8}}({re.escape(ENDING)})?")  # a resume point, and the model beside it
_DAMAGED = ".damaged"  # ending of the name of a resume point that a run could not resume from
_STATE = "state.json"
_TENSORS = ".safetensors"
# What reading, or using what was read, raises where a file does not hold what it should.
_ODD = (OSError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError)


def checkpoint_path(folder: Path, update: int) -> Path:
    """The resume point of an update."""
    return folder / f"update-{update:08d}"


def save_checkpoint(
    run: RunFolder, update: int, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]
) -> Path:
    """Write a resume point. It appears only when it is complete and on the disk.

    Args:
        run: the run's folder.
        update: how many updates are done.
        groups: file name without ending -> tensor name -> tensor; on the CPU and contiguous.
        state: everything else, in JSON types.

    Returns:
        the resume point's folder.

    Raises:
        StorageError: it cannot be written. The older resume points stay as they are.
    """
    target = checkpoint_path(run.checkpoints, update)
    run.claim(run.checkpoints)
    with replacing_folder(target, run.scratch) as aside:
        for name, tensors in groups.items():
            save_file(dict(tensors), aside / f"{name}{_TENSORS}")
        (aside / _STATE).write_text(json_text(state, indent=1), encoding="utf-8")
    return target


def add_checkpoint(
    run: RunFolder,
    update: int,
    groups: Mapping[str, Mapping[str, Tensor]],
    state: Mapping[str, Any],
    keep: int,
    best: int | None,
) -> None:
    """Write the resume point of an update with the best model beside it, and delete the old ones.

    Args:
        run, update, groups, state: as for :func:`save_checkpoint`.
        keep, best: as for :func:`delete_old_checkpoints`.

    Raises:
        StorageError: it cannot be written. The older resume points stay as they are.
    """
    keep_model(run, checkpoint_path(run.checkpoints, update))
    save_checkpoint(run, update, groups, state)
    delete_old_checkpoints(run.checkpoints, keep, best)


def go_back(run: RunFolder, point: Path, notify: Callable[[str], None]) -> None:
    """Give a run the files that it had at a resume point. Newer resume points are put aside.

    Raises:
        StorageError: the model cannot be written.
    """
    put_newer_aside(point)
    put_model_back(run, point, notify)


def read_state(point: Path) -> dict[str, Any]:
    """The state of a resume point. Call it inside :func:`resuming`, which turns what it raises into one error."""
    state: dict[str, Any] = read_json(point / _STATE)
    if point != checkpoint_path(point.parent, state["update"]):
        raise ValueError(f"{_STATE} is of update {state['update']}")
    return state


def has_tensors(point: Path, name: str) -> bool:
    """Whether a resume point has a group of tensors of this name."""
    return (point / f"{name}{_TENSORS}").is_file()


def read_tensors(point: Path, name: str) -> dict[str, Tensor]:
    """A group of tensors of a resume point, on the CPU. Call it inside :func:`resuming`."""
    return load_file(point / f"{name}{_TENSORS}")


@contextmanager
def resuming(point: Path) -> Iterator[None]:
    """Turn whatever a resume point lacks, or holds in another form, into one error.

    Raises:
        CheckpointError: names the resume point and the reason.
    """
    try:
        yield
    except _ODD as error:
        place = place_of(error)
        where = "" if place is None or place.is_own else f"{place.text}: "
        raise CheckpointError(f"cannot be resumed from: {where}{reason_in(error)}", file=point) from None


def stored_rows(point: Path) -> dict[str, Any]:
    """What ``describe_rows`` said about the data when a resume point was written; empty if it said nothing.

    Raises:
        CheckpointError: the state cannot be read.
    """
    with resuming(point):
        rows: dict[str, Any] = dict(read_json(point / _STATE).get("rows", {}))
    return rows


def list_checkpoints(folder: Path) -> list[Path]:
    """The resume points in ``folder``, oldest first."""
    return sorted(path for path in folder.glob("update-*") if _NAME.fullmatch(path.name))


def newest_checkpoint(folder: Path, notify: Callable[[str], None]) -> Path | None:
    """The newest resume point that is whole; None if there is no resume point at all.

    Args:
        folder: the run's ``checkpoints`` folder.
        notify: called with a text about each damaged resume point.

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
                notify(f"{reason}. Resuming from {path.name} instead")
            return path
    if damaged:
        hint = "No resume point is whole: start anew, in another folder"
        raise CheckpointError(damaged[0].message, file=damaged[0].file, hint=hint)
    return None


def delete_old_checkpoints(folder: Path, keep: int, best: int | None = None) -> None:
    """Delete all resume points but the newest ``keep`` and that of update ``best``. Files of others in them stay."""
    kept = {path.name for path in list_checkpoints(folder)[-keep:]}
    if best is not None:
        kept.add(checkpoint_path(folder, best).name)
    kept |= {name + ENDING for name in kept}
    for path in folder.glob("update-*"):
        if path.name not in kept and _OURS.fullmatch(path.name):
            remove_written(path)


def put_newer_aside(point: Path) -> None:
    """Rename the resume points after ``point``, which are damaged; the run will write others under their names."""
    for path in list_checkpoints(point.parent):
        if path.name > point.name:
            path.rename(_free(path.with_name(path.name + _DAMAGED)))


def _free(path: Path) -> Path:
    """The path, or the first of ``<path>-2``, ``<path>-3`` and so on that does not exist."""
    names = (path if number == 1 else path.with_name(f"{path.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())
