"""Keeps the best model beside each resume point, so that a run that goes back to one has its best model again.

A better evaluation replaces the best model, also after the newest resume point. A run that resumes from that point may
find other evaluations than before (another number of processes, a GPU, a changed setting). Without the kept model it
would report the scores of one model and hold the weights of another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from mtsmart.errors import CheckpointError
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import MANIFEST, check_manifest, link_or_copy, put_in_place, replacing_folder
from mtsmart.storage.failures import writing
from mtsmart.storage.owned import copy_written

ENDING = ".model"  # of the folder beside a resume point


def keep_model(run: RunFolder, point: Path) -> None:
    """Keep the present model/ for a resume point that is about to be written. Hard links need no space of their own.

    Raises:
        StorageError: it cannot be written.
    """
    if not (run.model / MANIFEST).is_file():
        return
    target = _beside(point)
    scratch = run.scratch
    aside = scratch / target.name
    run.claim(run.checkpoints)
    with writing(target):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            copy_written(run.model, aside, link_or_copy)
            link_or_copy(run.model / MANIFEST, aside / MANIFEST)
            target.parent.mkdir(exist_ok=True)
            put_in_place(aside, target, scratch)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def put_model_back(run: RunFolder, point: Path, notify: Callable[[str], None]) -> None:
    """Give model/ the state that it had at a resume point.

    Args:
        run: the run's folder.
        point: the resume point from which the run goes on.
        notify: called with a text if the model of that point is lost.

    Raises:
        StorageError: it cannot be written.
    """
    kept = _beside(point)
    if not kept.is_dir() or _manifest(kept) == _manifest(run.model):
        return
    try:
        check_manifest(kept)
    except CheckpointError as error:
        lost = f"Until a better evaluation, {run.model} is of a later update than the best one that is reported"
        notify(f"{error}. {lost}")
        return
    run.claim(run.model)
    with replacing_folder(run.model, run.scratch) as aside:
        copy_written(kept, aside, shutil.copyfile)


def _beside(point: Path) -> Path:
    return point.with_name(point.name + ENDING)


def _manifest(folder: Path) -> bytes | None:
    file = folder / MANIFEST
    return file.read_bytes() if file.is_file() else None
