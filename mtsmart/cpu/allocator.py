"""Memory that the C library keeps between updates on a CPU."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # glibc's malloc.h
_KEEP = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let glibc keep what an update frees instead of giving it back to the system, to be asked for at the next.

    Each page that comes back has to be found and cleared, which the many activations of SMART's passes and the gradient
    of the word embeddings pay dearly. So the process stays as large as it once was, until ``give_back_memory``. Other C
    libraries are left as they are.

    Returns:
        whether the library took the settings.
    """
    mallopt = _function("mallopt")
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, _KEEP) and mallopt(_MMAP_MAX, 0))


def give_back_memory() -> None:
    """Let the system have what is kept; for the end of training, since the process may go on with something else."""
    if (trim := _function("malloc_trim")) is not None:
        trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
