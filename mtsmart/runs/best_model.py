"""model/ as each resume point knew it: a run that goes back to one has its best model again.

The best model is replaced at each better evaluation, also after the newest resume point. A run that then goes on from
that point need not find the same evaluations again (another number of processes, a GPU, a changed setting), and would
report the scores of one model and keep the weights of another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from mtsmart.durable import MANIFEST, check_manifest, flush, replacing_folder, writing
from mtsmart.errors import CheckpointError
from mtsmart.runs.folder import RunFolder

ENDING = ".model"  # of the folder beside a resume point


def keep_model(run: RunFolder, point: Path) -> None:
    """Keep the present model/ for a resume point that is about to be written; links, so that it takes no room.

    Raises:
        StorageError: it cannot be written.
    """
    if not (run.model / MANIFEST).is_file():
        return
    target = _beside(point)
    aside = target.with_name(target.name + ".new")
    with writing(target):
        for old in (aside, target):
            shutil.rmtree(old, ignore_errors=True)
        target.parent.mkdir(exist_ok=True)
        try:
            shutil.copytree(run.model, aside, copy_function=_link)
            aside.rename(target)
            flush(target.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def put_model_back(run: RunFolder, point: Path, tell: Callable[[str], None]) -> None:
    """Give model/ the state that it had at a resume point.

    Args:
        run: the run's folder.
        point: the resume point that it goes on from.
        tell: told if that model is lost.

    Raises:
        StorageError: it cannot be written.
    """
    kept = _beside(point)
    if not kept.is_dir() or _manifest(kept) == _manifest(run.model):
        return
    try:
        check_manifest(kept)
    except CheckpointError as error:
        tell(f"{error}. Until a better evaluation, {run.model} is of a later update than the best one that is reported")
        return
    with replacing_folder(run.model) as aside:
        shutil.copytree(kept, aside, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))


def _beside(point: Path) -> Path:
    return point.with_name(point.name + ENDING)


def _manifest(folder: Path) -> bytes | None:
    file = folder / MANIFEST
    return file.read_bytes() if file.is_file() else None


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links, or one that is full, which copying will tell
        shutil.copy2(source, target)
