"""What the C library does on a CPU with memory that an update frees: it keeps it, or gives it back at once."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

_LARGEST = 2**31 - 1


class _Setting(NamedTuple):
    """A setting of glibc's allocator.

    Attributes:
        number: its number in malloc.h.
        tunable: its name in the environment variable GLIBC_TUNABLES.
        variable: an environment variable of its own.
        default: what glibc has without them.
    """

    number: int
    tunable: str
    variable: str
    default: int


_TRIM_THRESHOLD = _Setting(-1, "glibc.malloc.trim_threshold", "MALLOC_TRIM_THRESHOLD_", 128 * 1024)
_MMAP_THRESHOLD = _Setting(-3, "glibc.malloc.mmap_threshold", "MALLOC_MMAP_THRESHOLD_", 128 * 1024)
_MMAP_MAX = _Setting(-4, "glibc.malloc.mmap_max", "MALLOC_MMAP_MAX_", 65536)


def memory_of_updates(on_cpu: bool, is_scarce: bool) -> AbstractContextManager[None]:
    """For the updates of a run.

    Args:
        on_cpu: whether the model is on a CPU.
        is_scarce: whether the user gives time for memory, as with gradient checkpointing.
    """
    if not on_cpu:
        return nullcontext()
    return returning_freed_memory() if is_scarce else keeping_freed_memory()


@contextmanager
def returning_freed_memory() -> Iterator[None]:
    """Let glibc give each larger block back as soon as it is freed, so that the process is as large as what it uses.

    Without this it adapts itself to the largest block that was freed, and later blocks leave gaps that it keeps: with
    gradient checkpointing an update then takes several times the memory that its tensors take
    (``python -m benchmarks.peft``). The setting stays, because glibc does not adapt itself again.
    """
    _set(_MMAP_MAX, _at_start(_MMAP_MAX))
    _set(_MMAP_THRESHOLD, _at_start(_MMAP_THRESHOLD))
    yield


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """``keep_freed_memory`` inside the context, and ``give_back_memory`` at its end."""
    keep_freed_memory()
    try:
        yield
    finally:
        give_back_memory()


def keep_freed_memory() -> bool:
    """Let glibc keep the memory that an update frees, for the next update.

    Otherwise glibc gives it back, and the system must find and clear each page again. That takes a good part of an
    update, because SMART's passes have many activations and the word embeddings have a large gradient. The process
    stays as large as it has been, until ``give_back_memory``. Other C libraries are left as they are.

    Returns:
        whether the library took the settings.
    """
    return _set(_TRIM_THRESHOLD, _LARGEST) and _set(_MMAP_MAX, 0)


def give_back_memory() -> None:
    """Give the memory that is kept back to the system, and let glibc do so again; for the end of training.

    The settings become those that the process was started with: the environment's, or glibc's defaults. One thing does
    not come back, because glibc has no function for it: without a setting it adapts its thresholds to the largest
    block that was freed; after ``keep_freed_memory`` they stay where they are.
    """
    _set(_TRIM_THRESHOLD, _at_start(_TRIM_THRESHOLD))
    _set(_MMAP_MAX, _at_start(_MMAP_MAX))
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _set(setting: _Setting, value: int) -> bool:
    mallopt = _function("mallopt")
    return mallopt is not None and bool(mallopt(setting.number, value))


def _at_start(setting: _Setting) -> int:
    """The value that glibc read when the process started; it has no function that tells the present one."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    found = re.search(rf"(?:^|:){re.escape(setting.tunable)}=(\d+)(?:$|:)", tunables)
    given = found.group(1) if found else os.environ.get(setting.variable, "")
    return min(int(given), _LARGEST) if given.isdecimal() else setting.default


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
