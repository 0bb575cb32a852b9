"""The folder of a sweep: its marker, and what an earlier version left without one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mtsmart.errors import MtsmartError, StorageError
from mtsmart.storage.durable import refuse_links
from mtsmart.storage.owned import Kind, OwnedFolder, files_of_others, own_names, refuse_others, start
from mtsmart.sweeps.ledger import LEDGER, STARTS, UNFINISHED, Ledger
from mtsmart.sweeps.page import BEST, BEST_COMMAND, PAGE, is_page


def check_sweep(folder: Path) -> None:
    """Refuse a folder that a sweep must not write into.

    Raises:
        StorageError: it holds files of others, or belongs to something else.
    """
    owned = _known(folder)
    if owned is None:
        refuse_others(folder)
        return
    if owned.kind is not Kind.SWEEP:
        raise StorageError(f"is the folder of {owned.kind.with_article}, not of a sweep", file=folder)
    refuse_links([*own_names(folder), folder / STARTS, folder / UNFINISHED])
    owned.check([LEDGER, PAGE])


def own_sweep(folder: Path) -> OwnedFolder:
    """The sweep's folder with a marker.

    Raises:
        StorageError: as for :func:`check_sweep`, or it cannot be written.
    """
    check_sweep(folder)
    owned = _known(folder)
    if owned is None:
        return start(folder, Kind.SWEEP)
    if owned != OwnedFolder.read(folder):
        owned.write()
    return owned


def _known(folder: Path) -> OwnedFolder | None:
    """The folder's marker; None if it has none, and is no sweep.

    A page, plots and best settings that a commit from another machine brought are the sweep's own too.
    """
    owned = OwnedFolder.read(folder)
    if owned is None:
        return _adopted(folder)
    if owned.kind is Kind.SWEEP:
        found = _of_page(folder, files_of_others(folder))
        owned.files |= dict.fromkeys(name for name in found if name not in owned.files)
    return owned


def _adopted(folder: Path) -> OwnedFolder | None:
    """A marker for a sweep of an early build, which wrote none; None if this is no such sweep."""
    names = [name for name in files_of_others(folder) if name not in (".lock", ".holder.json")]
    if not names or not (_is_ledger(folder / LEDGER) or set(names) <= {STARTS, UNFINISHED}):
        return None
    own = [LEDGER] if LEDGER in names else []
    return OwnedFolder(folder, Kind.SWEEP, files=dict.fromkeys([*own, *_of_page(folder, names)]))


def _of_page(folder: Path, names: Collection[str]) -> list[str]:
    """Those of a folder's names that a sweep has written: the page, the plots that it shows, and a search's best."""
    file = folder / PAGE
    if PAGE not in names or not file.is_file() or not is_page(file):
        return []
    page = file.read_text(encoding="utf-8", errors="replace")
    best = [BEST] if BEST in names and BEST_COMMAND in page else []
    return [PAGE, *best, *(name for name in names if name.endswith(".svg") and f"]({name})" in page)]


def _is_ledger(file: Path) -> bool:
    """Whether a file has lines, and only lines that a sweep wrote."""
    try:
        return len(Ledger(file)) > 0
    except MtsmartError:
        return False
