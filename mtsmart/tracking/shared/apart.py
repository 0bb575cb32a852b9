"""Calls of trackers, kept apart from training: they change no random number, and print nothing on standard output."""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import numpy as np
import torch

from mtsmart.errors import reason_in

_SECRET_NAMES = re.compile("KEY|TOKEN|PASSWORD|SECRET")
_SHORTEST_SECRET = 6  # A shorter value may be part of any word.


@contextmanager
def apart_from_training() -> Iterator[None]:
    """Inside it, random numbers are drawn from a copy of the generators, and what is printed goes to standard error."""
    of_python = random.getstate()
    of_numpy = np.random.get_state()
    of_torch = torch.get_rng_state()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)


def reason_without_secrets(error: BaseException) -> str:
    """The first line of an error, without what stands in the environment under the name of a key or a password."""
    text = re.sub(r"//[^/@\s]+@", "//***@", reason_in(error))
    for name, value in os.environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return text
