"""Memory that the C library keeps between updates on a CPU."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # glibc's malloc.h
_KEEP = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let glibc keep what an update frees instead of giving it back to the system, to be asked for at the next.

    Each page that comes back has to be found and cleared, which the many activations of SMART's passes and the gradient
    of the word embeddings pay dearly. Up to 2 GB are kept. Other C libraries are left as they are.

    Returns:
        whether the library took the settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEEP) and mallopt(_MMAP_MAX, 0))
