"""What the user is told of an error that nobody has foreseen: one line, and a file with the details for a report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from mtsmart.errors import MtsmartError
from mtsmart.registry import is_own, loaded_entries, package_of, title_of

_DEBUG = "MTSMART_DEBUG"
_TASK = "mtsmart worked on the task "
# What asks extensions to act. Its frames separate what an extension does from what it only waits for: a weighting asks
# for the losses of an update, and the whole model computes them.
_ASKING = ("mtsmart.training", "mtsmart.evaluation", "mtsmart.running", "mtsmart.api", "mtsmart.cli")


@dataclass(frozen=True)
class Place:
    """Where an error came from.

    Attributes:
        text: in words, such as ``the regulariser 'confidence' of the package extras 0.1 (term, task mood)``.
        package: the other package that has the extension, with its version; None if it is not installed as one.
        is_own: whether it is an extension of mtsmart's.
    """

    text: str
    package: str | None
    is_own: bool


@dataclass(frozen=True)
class _Step:
    """A frame of a traceback, with the extension that it works for and the package that its code belongs to."""

    frame: FrameType
    entry: Any
    package: str | None

    @property
    def is_foreign(self) -> bool:
        return self.package is not None or (self.entry is not None and not is_own(self.entry))


@contextmanager
def working_on(task: str) -> Iterator[None]:
    """Inside it, an error that nobody has foreseen gets a note with the task."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, MtsmartError) and _task_of(error) is None:
            error.add_note(f"{_TASK}{task}")
        raise


def place_of(error: BaseException) -> Place | None:
    """The extension that raised an error; None if none did.

    It is read off the traceback, so that calls of extensions need no ceremony. Where several call each other, it is the
    innermost one of another package, or else the innermost one.
    """
    steps = _innermost_call(error)
    foreign = next((number for number, step in enumerate(steps) if step.is_foreign), None)
    package = None if foreign is None else steps[foreign].package
    found = [step for step in steps[foreign:] if step.entry is not None and (foreign is None or step.is_foreign)]
    if package is not None:
        found = [step for step in found if package_of(step.entry.__module__) == package]
    if not found:
        return (
            None if package is None else Place(_with("the package " + package, None, _task_of(error)), package, False)
        )
    first = found[0]
    text = _with(title_of(first.entry), _hook(first, found), _task_of(error))
    return Place(text, package_of(first.entry.__module__), is_own(first.entry))


def described(error: BaseException) -> MtsmartError:
    """The error as one line, with the extension that raised it. Its details are in a new file, which the line names.

    With ``MTSMART_DEBUG=1`` its traceback is printed on standard error and there is no file.
    """
    place = place_of(error)
    reason = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0].strip().removesuffix(":").rstrip(". ")
    if os.environ.get(_DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
        details = "The traceback is above"
        own_report = "Please report it with the traceback above"
    else:
        file = _store_details(error)
        details = f"{_DEBUG}=1 shows the details" if file is None else f"The details are in {file}"
        own_report = f"{details}. Please report it with them"
    if place is None or place.is_own:
        hint = own_report
    else:
        hint = details if place.package is None else f"{details}. Please report it to that package"
    where = _with("", None, _task_of(error)) if place is None else f" in {place.text}"
    return MtsmartError(f"an unexpected error{where}: {reason}", hint=hint)


def _innermost_call(error: BaseException) -> list[_Step]:
    """The frames from that which raised the error to the nearest one that asks extensions to act."""
    steps: list[_Step] = []
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = frame.f_globals.get("__name__") or ""
        if ".".join(module.split(".")[:2]) in _ASKING:
            break
        steps.append(_Step(frame, _entry_at(frame), package_of(module)))
    return steps


def _entry_at(frame: FrameType) -> Any:
    """The registered entry whose method or function a frame is; None if it is none's."""
    code = frame.f_code
    own = code.co_varnames[0] if code.co_argcount else ""
    given = frame.f_locals.get(own) if own in ("self", "cls") else None
    kind = given if isinstance(given, type) else type(given)
    entries = [entry for _, _, entry in loaded_entries()]
    for candidate in (given, *kind.__mro__):
        if candidate is not None and any(candidate is entry for entry in entries):
            return candidate
    return next((entry for entry in entries if getattr(entry, "__code__", None) is code), None)


def _hook(first: _Step, found: list[_Step]) -> str | None:
    """The name of the method with which an extension was called; None where it is a function."""
    if not isinstance(first.entry, type):
        return None
    names = [step for step in found if step.entry is first.entry]
    # Base classes of ours call it, and are not what was written.
    written = [step for step in names if _is_written_in(step.frame.f_globals.get("__name__") or "", first.entry)]
    return (written or names)[-1].frame.f_code.co_name


def _is_written_in(module: str, entry: Any) -> bool:
    own: str = entry.__module__
    return module == own if is_own(entry) else module.partition(".")[0] == own.partition(".")[0]


def _with(title: str, hook: str | None, task: str | None) -> str:
    details = [part for part in (hook, f"task {task}" if task else None) if part]
    return f"{title} ({', '.join(details)})" if details else title


def _task_of(error: BaseException) -> str | None:
    notes = getattr(error, "__notes__", [])
    return next((note.removeprefix(_TASK) for note in notes if str(note).startswith(_TASK)), None)


def _store_details(error: BaseException) -> str | None:
    """The path of a new temporary file with all that a report needs; None if it cannot be written."""
    lines = [
        f"command: {sys.argv}",
        f"system: {platform.platform()}, Python {platform.python_version()}",
        *traceback.format_exception(error),
    ]
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="mtsmart-error-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write("\n".join(lines))
        return name
    return None
