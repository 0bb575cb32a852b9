"""What the operating system refused, as one message that names the place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtsmart.errors import MtsmartError, StorageError, reason_in

_RUST = re.compile(r"I/O error: (.+?) \(os error \d+\)")


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failed write into an error with one message.

    Raises:
        StorageError: a write failed, for example because the disk is full or the folder has no write permission.
    """
    try:
        yield
    except MtsmartError:
        raise
    except Exception as error:
        reason = _system_reason(error)
        if reason is None:
            raise
        raise StorageError(f"cannot be written: {file_above(place) or reason}", file=place) from None


def reason_of(error: Exception) -> str:
    """The reason of an error on one line. It leaves the place out, because our own errors name the place."""
    return getattr(error, "strerror", None) or reason_in(error)


def file_above(place: Path) -> str | None:
    """That a file stands where a folder would have to be, for which the system has several names; None if none does."""
    for above in place.parents:
        if os.path.isfile(above):
            return f"{above} is a file, not a folder"
    return None


def _system_reason(error: BaseException | None) -> str | None:
    """The reason that the operating system gave; None if there is none.

    The function also looks at the errors that caused this error. If a library fails again while it cleans up, the
    system's reason is in the first error. safetensors has its own error class, whose text contains the reason.
    """
    while error is not None:
        if isinstance(error, OSError):
            return reason_of(error)
        if found := _RUST.search(str(error)):
            return found[1]
        error = error.__cause__ or error.__context__
    return None
