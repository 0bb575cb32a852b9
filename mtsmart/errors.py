"""The errors and warnings that users see. An error is one message: the place, the wrong value, the nearest right one.

The command line catches all of them, prints their messages without a traceback and ends with exit code 2.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from mtsmart.text.escaping import one_line

_NOTHING = object()
_PACKAGE = os.path.join(os.path.dirname(__file__), "")
_PANIC = "PanicException"  # Each library in Rust has a class of its own with this name.
_MAX_SHOWN = 80
_BEGINNING = 20  # characters of a long path that are shown besides its end
_LIKE = 0.6  # from which on difflib counts two words as somewhat alike
_SLIP = 0.8  # from which on one word is probably the other one, mistyped
T = TypeVar("T")


class MtsmartError(Exception):
    """A mistake in the user's files, arguments or settings.

    The text has the form ``file:line: key: message, got value. hint``, without the parts that are not known. It is
    always one line, because line breaks and other unprintable characters are shown as escapes.

    Args:
        message: what is wrong, without the place.
        file: the file that contains the mistake, or a phrase such as ``command line``.
        line: the line of ``file``, counted from 1 (in data files: the row).
        key: the configuration key with dots, or the column.
        argument: the argument of the Python function that has the value, such as ``output_dir``. It is given instead
            of ``key``. The command line shows its own flag for it. A hint names an argument in backquotes:
            ```resume=True```.
        value: the wrong value. The text shows it in the words of YAML and JSON, shortened.
        hint: what the user can do instead.
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

    @property
    def shown_value(self) -> str | None:
        """The wrong value in the words of YAML and JSON, shortened; None if the error has none."""
        return None if self.value is _NOTHING else shorten(self.value)

    def described(self, argument: str | None, hint: str | None) -> str:
        """The text of the error with another name of its argument and another hint."""
        got = "" if self.value is _NOTHING else f", got {_cut(self._shown())}"
        parts = [self._place(), self.key or argument, self.message + got]
        head = ": ".join(part for part in parts if part)
        return one_line(f"{head}. {hint}" if hint else head)

    def _shown(self) -> str:
        """The wrong value: in the words of Python if it was an argument, or in those of YAML."""
        return in_yaml(self.value) if self.argument is None else repr(self.value)

    def _place(self) -> str:
        if self.file is None:
            return ""
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"

    def at(self, file: str | Path, line: int | None, key: str | None = None) -> Self:
        """The same error with a place. Callers use it when they know from which file the value came.

        Args:
            file, line: the place.
            key: the key as it stands in the file; None: the error's own.
        """
        return self._with(file=file, line=line, key=key or self.key)

    def with_hint(self, hint: str) -> Self:
        """The same error with another hint."""
        return self._with(hint=hint)

    def _with(self, **changes: Any) -> Self:
        names = ("file", "line", "key", "argument", "value", "hint")
        return type(self)(self.message, **{**{name: getattr(self, name) for name in names}, **changes})


class MtsmartWarning(UserWarning):
    """A part of the user's files can be used, but not exactly as it is written. The text names the place."""


def warn(text: str, category: type[MtsmartWarning] = MtsmartWarning) -> None:
    """Warn the user. The warning names the line of the user's program that has called mtsmart.

    Other libraries may stand between that line and this one, so the caller of the outermost function of mtsmart counts.
    """
    place = frame = sys._getframe()
    while frame.f_back is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            place = frame.f_back
        frame = frame.f_back
    registry = place.f_globals.setdefault("__warningregistry__", {})
    module = place.f_globals.get("__name__")
    warnings.warn_explicit(text, category, place.f_code.co_filename, place.f_lineno, module, registry)


class ConfigError(MtsmartError):
    """A task, experiment or command-line value that cannot be used."""


class MissingPackageError(ConfigError):
    """A stored run needs an entry of a package that is not installed, or that is broken."""


class DataError(MtsmartError):
    """A data set, column or row that does not fit its task."""


class CheckpointError(MtsmartError):
    """A run folder, checkpoint or encoder that cannot be used."""


class StorageError(MtsmartError):
    """A file or folder that cannot be written: a full disk, a folder without permission."""


class TrainingError(MtsmartError):
    """Training cannot continue, for example because the loss is no longer finite."""


class OtherProcessError(MtsmartError):
    """Another of the processes that train together failed. That process shows its own message."""


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Turn a panic of a library written in Rust into an error.

    A panic, for example of a tokenizer whose regular expression backtracks for too long, is a ``BaseException`` like
    KeyboardInterrupt, so nothing that catches errors would catch it.

    Raises:
        LibraryPanic: the library panicked.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != _PANIC or isinstance(error, Exception):
            raise
        raise LibraryPanic(str(error)) from None


class LibraryPanic(Exception):
    """A library written in Rust failed in a way that its authors had not foreseen."""


def reason_in(error: BaseException) -> str:
    """The first line of an error's text, and the second where the first only announces it; its class without a text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def shorten(value: object) -> str:
    """``value`` in the words of YAML and JSON, cut to a length that fits on a line."""
    return _cut(in_yaml(value))


def _cut(text: str) -> str:
    if len(text) <= _MAX_SHOWN:
        return text
    if "/" in text and " " not in text:  # Of a path the end says most.
        return f"{text[:_BEGINNING]}...{text[_BEGINNING + 3 - _MAX_SHOWN :]}"
    return text[: _MAX_SHOWN - 3] + "..."


def in_yaml(value: object) -> str:
    """The ``repr`` of plain data, with ``null``, ``true`` and ``false`` in place of the words of Python."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(in_yaml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_yaml(key)}: {in_yaml(part)}" for key, part in value.items()) + "}"
    return repr(value)


def alike(word: object, options: Iterable[str]) -> str | None:
    """The option that ``word`` seems to be a slip for; None if there is none. Case alone makes the least difference."""
    return _closest(str(word), options, _SLIP)


def nearest(word: object, options: Iterable[str]) -> str | None:
    """The option that is most like ``word``; None if none is like it.

    A slip comes first, then an option that has the same words in another order, one that is a part of ``word`` or of
    which ``word`` is a part, and last one that has many of its letters.
    """
    known = list(options)
    text = str(word)
    return alike(text, known) or _with_its_words(text, known) or _closest(text, known, _LIKE)


def _closest(text: str, options: Iterable[str], cutoff: float) -> str | None:
    known = sorted(options)
    folded = {option.casefold(): option for option in reversed(known)}
    if text.casefold() in folded:
        return folded[text.casefold()]
    for near in difflib.get_close_matches(text, known, n=1, cutoff=cutoff):
        return near
    in_any_case = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=cutoff)
    return folded[in_any_case[0]] if in_any_case else None


def _with_its_words(text: str, options: Iterable[str]) -> str | None:
    """The option that shares whole words with a name such as ``label_column``, or that it begins."""
    words = _words_of(text)
    split = {option: _words_of(option) for option in sorted(options)}
    reordered = [option for option, own in split.items() if sorted(own) == sorted(words)]
    within = [option for option, own in split.items() if own and _has_run(words, own)]
    around = [option for option, own in split.items() if words and _has_run(own, words)]
    begun = [option for option in split if len(text) > 2 and option.casefold().startswith(text.casefold())]
    found = next(filter(None, [reordered, within, [*around, *begun]]), [])
    return next(iter(difflib.get_close_matches(text.casefold(), found, n=1, cutoff=0)), None)


def _words_of(text: str) -> list[str]:
    return [word for word in re.split(r"[-_. /]+", text.casefold()) if word]


def _has_run(words: list[str], part: list[str]) -> bool:
    """Whether ``part`` stands in ``words`` without gaps."""
    return any(words[start : start + len(part)] == part for start in range(len(words) - len(part) + 1))


def did_you_mean(word: object, options: Iterable[str], others: Iterable[str] = ()) -> str:
    """A hint that names the nearest of ``options`` and ``others``, or lists ``options`` if none is near.

    Args:
        word: what was given.
        options: what could be given. Names in folders are listed after those without a folder.
        others: what could be given as well, but is not listed.
    """
    known = sorted(options, key=lambda option: (option.count("/"), option))
    near = nearest(word, [*known, *others])
    if near is not None:
        return f"Did you mean '{near}'?"
    if not known:
        return "There are none to choose from."
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"Choose from: {shown}"
