"""What the user is told of an error that nobody has foreseen: one line, and a file with the details for a report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress

from mtsmart.errors import MtsmartError

_DEBUG = "MTSMART_DEBUG"


def described(error: BaseException) -> MtsmartError:
    """The error as one line. Its details are in a new temporary file, which the line names.

    With ``MTSMART_DEBUG=1`` its traceback is printed on standard error and there is no file.
    """
    reason = f"{type(error).__name__}: {error}".strip().splitlines()[0].removesuffix(":").rstrip(". ")
    if os.environ.get(_DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
        hint = "Please report it with the traceback above"
    else:
        file = _store_details(error)
        where = f"{_DEBUG}=1 shows the details" if file is None else f"The details are in {file}"
        hint = f"{where}. Please report it with them"
    return MtsmartError(f"an unexpected error: {reason}", hint=hint)


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
