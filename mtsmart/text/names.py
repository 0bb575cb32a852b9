"""What a name of a task, head, run, arm, table or start is. Most names become names of files."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from enum import Enum

from mtsmart.text.escaping import is_visible

MAX_BYTES = 200
"""The longest name in UTF-8. A file's name may have 255 bytes; some are for its ending and for unfinished files."""

# Windows opens a device in place of a file with one of these names, whatever its ending is. The last three digits of
# the ports are superscripts.
_PORTS = [f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789\u00b9\u00b2\u00b3"]
_RESERVED = frozenset(["con", "prn", "aux", "nul", "conin$", "conout$", *_PORTS])


class Kind(Enum):
    """What a name is for, which decides the characters that it may have."""

    WORD = "letters, digits, '_' and '-'"
    """A task or a head: a part of a file's name, of a key with dots and of a pattern."""

    RUN = "letters, digits, '.', '_' and '-', and begins with a letter or digit"
    """A run: the name of its folder."""

    TITLE = "visible characters and single blanks inside"
    """An arm, table or start of a grid: a title. :func:`file_stem` makes a file's name of it."""


def problem_of(name: str, kind: Kind) -> str | None:
    """Why a text is no name, as the rest of a sentence that begins with the name; None if it is one."""
    if not _has_right_characters(name, kind):
        return f"is no name, because a name consists of {kind.value}"
    size = len(name.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        return f"is a name of {size:,} bytes in UTF-8, where {MAX_BYTES} are the most"
    if unicodedata.normalize("NFC", name) != name:
        return "is a name whose letters and their marks are separate characters (it is not in Unicode's form NFC)"
    if kind is not Kind.TITLE and is_reserved(name):
        return "is a name that Windows reserves for a device"
    if name.endswith("."):
        return "is a name with a dot at its end, which Windows leaves out"
    return None


def _has_right_characters(name: str, kind: Kind) -> bool:
    if not all(map(is_visible, name)):
        return False
    if kind is Kind.TITLE:
        return bool(name) and name == " ".join(name.split())
    marks = "._-" if kind is Kind.RUN else "_-"
    is_begun = name[:1].isalnum() if kind is Kind.RUN else bool(name)
    return is_begun and all(character.isalnum() or character in marks for character in name)


def name_after(run: str, task: str) -> str:
    """The name of a run that goes on from another run with one task. The name of the other run is cut to fit."""
    room = max(MAX_BYTES - len(f"-{task}".encode()), 0)
    kept = run.encode()[:room].decode(errors="ignore")
    return f"{kept}-{task}" if kept else task


def is_reserved(name: str) -> bool:
    """Whether Windows takes a file's name for a device, with or without an ending."""
    return name.partition(".")[0].rstrip(" ").casefold() in _RESERVED


def folded(name: str) -> str:
    """The form in which two names are equal if a file system may take them for one."""
    composed = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", composed.casefold())


def same_for_files(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two different names that a file system may take for one; None if there are no such names."""
    seen: dict[str, str] = {}
    for name in names:
        known = seen.setdefault(folded(name), name)
        if known != name:
            return known, name
    return None


def clash_with(name: str) -> str:
    """Why a name cannot stand beside another, as the rest of a sentence that begins with the name."""
    return f"is the name '{name}' in other letters, and many file systems take the two for one"


def file_stem(title: str, otherwise: str) -> str:
    """The name of a file, without its ending, for a title. Different titles may have the same one.

    Args:
        title: any text.
        otherwise: the name for a title without a letter or digit of ASCII, and before one that Windows reserves.
    """
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", title)[:MAX_BYTES].strip("-").lower()
    if not stem:
        return otherwise
    return f"{otherwise}-{stem}" if is_reserved(stem) else stem


def told_apart(stems: Iterable[str]) -> list[str]:
    """Different names, in the order of the stems: one that occurs again gets a number, as in ``x``, ``x~2``, ``x~3``.

    Args:
        stems: what :func:`file_stem` gives, which never has a ``~``.
    """
    seen = Counter[str]()
    names = []
    for stem in stems:
        seen[stem] += 1
        names.append(stem if seen[stem] == 1 else f"{stem}~{seen[stem]}")
    return names
