"""The code of entries that are not mtsmart's. What was stored with their help is found again only by the same code."""

from __future__ import annotations

import hashlib
import sys
import uuid
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

_MOST_FILES = 2_000  # of a package; reading more would take longer than what is stored saves
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Code:
    """The code of an entry.

    Attributes:
        digest: another one for other code.
        is_lasting: whether a later process finds the same digest for the same code. It is false for what was written in
            a notebook or at a prompt, because no file holds it.
    """

    digest: str
    is_lasting: bool


_known: weakref.WeakKeyDictionary[Any, Code] = weakref.WeakKeyDictionary()  # A file may change after its import.


def code_of(entry: Any) -> Code | None:
    """The code of a class or function; None if all of it is mtsmart's, whose stored formats have versions.

    Of a package it is the code of all its modules, because one may use the others, and so it is for the classes that
    the entry extends.

    Args:
        entry: a class or a function.
    """
    modules = list(dict.fromkeys(filter(_is_foreign, _modules_of(entry))))
    if not modules:
        return None
    if entry not in _known:
        digests = [_digest_of(sys.modules.get(name)) for name in modules]
        lasting = [digest for digest in digests if digest is not None]
        is_lasting = len(lasting) == len(digests)
        text = " ".join(lasting) if is_lasting else uuid.uuid4().hex
        _known[entry] = Code(hashlib.sha256(text.encode()).hexdigest(), is_lasting)
    return _known[entry]


def _modules_of(entry: Any) -> Iterator[str]:
    while isinstance(entry, partial):
        entry = entry.func
    for part in entry.__mro__ if isinstance(entry, type) else [entry]:
        yield getattr(part, "__module__", None) or ""


def _is_foreign(module: str) -> bool:
    """Whether a module is neither mtsmart's nor Python's. The script that runs, or a notebook, is ``__main__``."""
    top = module.partition(".")[0]
    return top == "__main__" or (top != "mtsmart" and top not in sys.stdlib_module_names)


def _digest_of(module: ModuleType | None) -> str | None:
    """A digest of the source of a module, and of its whole package; None if there is no source, or too much of it."""
    if module is None or (module.__name__ == "__main__" and hasattr(sys, "ps1")):
        return None  # At a prompt, code stands in no file, even if a script ran before.
    try:
        return _digest_of_files(_files_of(module))
    except OSError:
        return None


def _files_of(module: ModuleType) -> list[Path]:
    """The module's own file first, then those of the outermost package around it that has a file."""
    own = getattr(module, "__file__", None)
    files = [] if own is None else [Path(own)]
    parts = module.__name__.split(".")
    around = (sys.modules.get(".".join(parts[:count])) for count in range(1, len(parts) + 1))
    package = next((each for each in around if each is not None and getattr(each, "__file__", None)), None)
    for folder in getattr(package, "__path__", ()):
        files += sorted(islice(Path(folder).rglob("*.py"), _MOST_FILES + 1))
    return files


def _digest_of_files(files: Iterable[Path]) -> str | None:
    digest = hashlib.sha256()
    size = 0
    count = 0
    for count, file in enumerate(files, 1):
        content = file.read_bytes()
        size += len(content)
        if size > _MOST_BYTES or count > _MOST_FILES:
            return None
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest() if count else None
