"""The folder of an exported model: it appears when it is complete, and replaces nothing but an earlier export.

The marker of an export lists its files with their SHA-256. With ``overwrite`` a folder is replaced only if it holds
these files, unchanged, and nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mtsmart.errors import CheckpointError, MtsmartError
from mtsmart.runs.interrupt import StopSignals
from mtsmart.runs.lock import RunLock
from mtsmart.storage.durable import sha256_of, unique
from mtsmart.storage.failures import writing
from mtsmart.storage.owned import MARKER, MOST_NAMED, Kind, OwnedFolder, own_names, remove_empty_folders, remove_files
from mtsmart.text.counts import some_of
from mtsmart.user_paths import user_path

_SCRATCH = re.compile(r"\.export-([0-9a-f]{12})")


@dataclass(frozen=True)
class Exported:
    """What has been exported.

    Attributes:
        folder: where it lies.
        auto_class: what loads it: a class such as transformers' ``AutoModelForTokenClassification``, or a file.
        architecture: the class behind that one, such as ``BertForTokenClassification``.
        code: the file in the folder that has the class; None if a library has it.
        note: what the card should say of texts that it reads otherwise; Markdown.
    """

    folder: Path
    auto_class: str
    architecture: str
    code: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Prepared:
    """A model that is ready to be exported.

    Attributes:
        auto_class, architecture, code, note: as for :class:`Exported`.
        write: writes its files into a folder.
        check: reads them again, and refuses a model that computes something else than the run's.
    """

    auto_class: str
    architecture: str
    write: Callable[[Path], None]
    check: Callable[[Path], None]
    code: str | None = None
    note: str = ""


def export_checked(
    folder: str | Path, overwrite: bool, prepare: Callable[[], Prepared], card: Callable[[Exported], str] | None
) -> Exported:
    """Export a model in any form. The folder appears only once its files have been read again and checked.

    Args:
        folder: to write.
        overwrite: whether an earlier export may be replaced.
        prepare: makes the model, after the folder has been found to be free.
        card: makes the text of README.md.

    Raises:
        CheckpointError: the folder is taken, or the model cannot be exported in this form.
        StorageError: the folder cannot be written.
    """
    target = user_path(folder, argument="folder").absolute()
    check_target(target, overwrite)
    prepared = prepare()
    exported = Exported(target, prepared.auto_class, prepared.architecture, prepared.code, prepared.note)
    with exporting_to(target, overwrite) as aside:
        prepared.write(aside)
        prepared.check(aside)
        if card is not None:
            (aside / "README.md").write_text(card(exported), encoding="utf-8")
    return exported


@contextmanager
def exporting_to(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to fill, which takes the place of ``folder`` if nothing fails.

    Raises:
        CheckpointError: as for :func:`check_target`. Files may have come since the caller's own check.
        StorageError: it cannot be written.
    """
    target = Path(os.path.realpath(folder))  # A circle of links is refused when the folder is made.
    token = unique()
    scratch = target.parent / f".export-{token}"
    with writing(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(target.parent)
        scratch.mkdir()  # Where nothing can be written, the error names the folder that the user has named.
        with RunLock(scratch) as lock:
            try:
                lock.acquire()
                OwnedFolder(scratch, Kind.EXPORT, token, {target.name: None}).write()
                aside = scratch / "new"
                aside.mkdir()
                yield aside
                _mark(aside)
                check_target(folder, overwrite)
                if target.exists():
                    target.rename(scratch / "old")
                aside.rename(target)
            finally:
                with StopSignals():  # A second signal would leave a part.
                    _clear(scratch, target)


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that is taken; with ``overwrite``, one that holds anything but an earlier export.

    Raises:
        CheckpointError: names the folder, or a file in it that no export wrote or that has been changed since.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError("is not a folder", file=folder)
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise CheckpointError("is not empty", file=folder, hint="Name another folder, or use `overwrite=True`")
    owned = OwnedFolder.read(folder)
    if owned is None or owned.kind is not Kind.EXPORT:
        message = f"holds no exported model to overwrite (there is no {MARKER} of an export)"
        raise CheckpointError(message, file=folder, hint="Name another folder")
    if strange := _others(folder, owned):
        message = f"holds what no export wrote ({some_of(strange, MOST_NAMED)})"
        raise CheckpointError(message, file=folder, hint="Move it elsewhere, or name another folder")
    for name, digest in owned.files.items():
        if (folder / name).is_file() and sha256_of(folder / name) != digest:
            hint = "Move it elsewhere, or name another folder"
            raise CheckpointError("has been changed since it was exported", file=folder / name, hint=hint)


def _others(folder: Path, owned: OwnedFolder) -> list[str]:
    """What is in an export's folder besides the export."""
    files = {MARKER, *owned.files}
    known = files | {parent.as_posix() for name in files for parent in Path(name).parents}
    paths = [(path.relative_to(folder).as_posix(), path) for path in folder.rglob("*")]
    return sorted(name for name, path in paths if name not in known or path.is_symlink())


def _mark(aside: Path) -> None:
    """Give the files the permissions of the umask, and list them in a marker."""
    mode = aside.stat().st_mode & 0o666
    files: dict[str, str | None] = {}
    for path in sorted(path for path in aside.rglob("*") if path.is_file()):
        path.chmod(mode)
        files[path.relative_to(aside).as_posix()] = sha256_of(path)
    OwnedFolder(aside, Kind.EXPORT, files=files).write()


def _clear_leftovers(parent: Path) -> None:
    """Clear what killed exports left. Only a folder with our marker and its own token in its name is one."""
    for path in parent.glob(".export-*"):
        match = _SCRATCH.fullmatch(path.name)
        with suppress(MtsmartError):  # another process is at work there, or the marker is damaged
            owned = OwnedFolder.read(path)
            if match is None or owned is None or owned.token != match[1] or len(owned.files) != 1:
                continue
            with RunLock(path) as lock:
                lock.acquire()
                _clear(path, parent / Path(next(iter(owned.files))).name)


def _clear(scratch: Path, target: Path) -> None:
    """Delete an unfinished export. The earlier export gets its name back if the new one has not taken it."""
    old = scratch / "old"
    if old.is_symlink():  # No export has made it.
        return
    if old.exists() and not target.exists():
        old.rename(target)
    owned = OwnedFolder.read(old)
    remove_files(old, () if owned is None else (*owned.files, MARKER))
    remove_empty_folders(old)
    with suppress(OSError):
        old.rmdir()
    if old.exists():  # somebody has put a file there in the moment of the exchange
        return
    shutil.rmtree(scratch / "new", ignore_errors=True)
    for path in own_names(scratch):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    with suppress(OSError):
        scratch.rmdir()
