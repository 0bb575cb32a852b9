"""Calls of trackers, kept apart from training: they change no random number, and print nothing on standard output."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from mtsmart.errors import reason_in
from mtsmart.torch_state import kept_generators

_SECRET_NAMES = re.compile("KEY|TOKEN|PASSWORD|SECRET")
_SHORTEST_SECRET = 6  # A shorter value may be part of any word.


@contextmanager
def apart_from_training() -> Iterator[None]:
    """Inside it, random numbers are drawn from a copy of the generators, and what is printed goes to standard error."""
    with kept_generators(), redirect_stdout(sys.stderr):
        yield


def reason_without_secrets(error: BaseException) -> str:
    """The first line of an error, without what stands in the environment under the name of a key or a password."""
    text = re.sub(r"//[^/@\s]+@", "//***@", reason_in(error))
    for name, value in os.environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return text
