"""The errors users see: one message that names the place, the bad value and the nearest right one.

Everything here is caught by the command line and printed without a traceback, with exit code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Self

_NOTHING = object()
_MAX_SHOWN = 80


class MtsmartError(Exception):
    """A mistake in what the user handed over.

    The text reads ``file:line: key: message, got value. hint``; parts that are not known are left out. It is one
    line whatever the parts hold: a line break or another unprintable character in a key is shown escaped.

    Args:
        message: what is wrong, without the place.
        file: the file it stands in, or a phrase such as ``command line``.
        line: 1-based line of ``file`` (for data files: of the row).
        key: the dotted configuration key or the column.
        argument: the argument of the Python function that has the value, such as ``output_dir``; instead of ``key``.
            The command line shows its own flag for it. A hint names an argument in backquotes: ```resume=True```.
        value: the offending value; shown with ``repr`` and shortened.
        hint: what to do instead.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        argument: str | None = None,
        value: object = _NOTHING,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        self.argument = argument
        self.value = value
        self.hint = hint
        super().__init__(self.described(argument, hint))

    def described(self, argument: str | None, hint: str | None) -> str:
        """The text of the error with other words for its argument and its hint."""
        got = "" if self.value is _NOTHING else f", got {shorten(self.value)}"
        parts = [self._place(), self.key or argument, self.message + got]
        head = ": ".join(part for part in parts if part)
        return _on_one_line(f"{head}. {hint}" if hint else head)

    def _place(self) -> str:
        if self.file is None:
            return ""
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"

    def at(self, file: str | Path, line: int | None) -> Self:
        """The same error with the place it lacked; for callers that know which file the value came from."""
        return type(self)(
            self.message,
            file=file,
            line=line,
            key=self.key,
            argument=self.argument,
            value=self.value,
            hint=self.hint,
        )


class MtsmartWarning(UserWarning):
    """Something in the user's files that can be used, but not exactly as written; its text names the place."""


class ConfigError(MtsmartError):
    """A task, experiment or command-line value that cannot be used."""


class DataError(MtsmartError):
    """A data set, column or row that does not fit its task."""


class CheckpointError(MtsmartError):
    """A run folder, checkpoint or encoder that cannot be used."""


class StorageError(MtsmartError):
    """A file or folder that cannot be written: a full disk, a folder without permission."""


class TrainingError(MtsmartError):
    """Training cannot go on, for example because the loss is no longer finite."""


class OtherProcessError(MtsmartError):
    """Another of the processes that train together failed; that one shows its own message."""


def _on_one_line(text: str) -> str:
    """``text`` with every unprintable character (line breaks, terminal codes) as its Python escape."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def shorten(value: object) -> str:
    """``repr`` of ``value``, cut to a length that fits on a line."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def did_you_mean(word: object, options: Iterable[str]) -> str:
    """A hint that names the nearest of ``options``, or lists them when none is near."""
    known = sorted(options)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    if not known:
        return "There are none to choose from."
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"Choose from: {shown}"


def quotes_hint(field: object) -> str | None:
    """A hint for a field that kept its quotes, None for any other."""
    quoted = isinstance(field, str) and len(field) > 1 and field[0] == field[-1] == '"'
    return (
        "Its quotes are part of it: tsv is read without quoting. Leave them out, or make it a csv file"
        if quoted
        else None
    )
