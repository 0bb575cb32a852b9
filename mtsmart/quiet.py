"""Switches off the output of other libraries, because mtsmart's own messages say what the user needs."""

from __future__ import annotations

import importlib
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PARALLEL = "TOKENIZERS_PARALLELISM"


def quiet_libraries() -> None:
    """Switch off progress bars and warnings of other libraries, in this process. The command line does this."""
    _choose_parallelism_of_tokenizers()
    import datasets
    import transformers
    from tqdm import tqdm

    _switch_bars_off()
    # The lock of tqdm's own making is a named semaphore for several processes. One that a signal ends would leave it
    # behind, and Python would tell the user of it. Bars that are off need a lock for threads at most.
    tqdm.set_lock(threading.RLock())
    datasets.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    for name in ("accelerate", "huggingface_hub"):  # huggingface_hub warns whenever it tries the Hub.
        logging.getLogger(name).setLevel(logging.ERROR)


def _choose_parallelism_of_tokenizers() -> None:
    """Say what tokenizers would otherwise warn about at each fork: threads here, and none in forked processes.

    A forked process has none of the threads for which tokenizers would wait.
    """
    if _PARALLEL not in os.environ:
        os.environ[_PARALLEL] = "true"
        os.register_at_fork(after_in_child=lambda: os.environ.update({_PARALLEL: "false"}))


@contextmanager
def without_bars() -> Iterator[None]:
    """A context, and a decorator, in which other libraries draw no progress bars.

    When the last thread leaves it, the settings of the program that uses mtsmart hold again.
    """
    _SILENCE.begin()
    try:
        yield
    finally:
        _SILENCE.end()


class _Silence:
    """Counts who wants silence. Contexts may be nested, and threads may be in them at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._restore: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Switch the bars off, if they are not off already."""
        with self._lock:
            if self._wanted == 0:
                self._restore = _settings_kept()
                _switch_bars_off()
            self._wanted += 1

    def end(self) -> None:
        """Put the program's settings back, if nobody else wants silence."""
        with self._lock:
            self._wanted -= 1
            if self._wanted == 0:
                self._restore()


_SILENCE = _Silence()


def _switch_bars_off() -> None:
    import datasets
    import transformers

    # The libraries warn if an environment variable of the user has the last word about bars.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets.disable_progress_bars()
        transformers.logging.disable_progress_bar()


def _settings_kept() -> Callable[[], None]:
    """A function that puts back the settings for progress bars as they are now."""
    import datasets
    import transformers

    hub = importlib.import_module("huggingface_hub.utils.tqdm")
    of_datasets = not datasets.are_progress_bars_disabled()
    of_transformers = transformers.logging.is_progress_bar_enabled()
    of_hub = dict(hub.progress_bar_states)

    def restore() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if of_datasets:
                datasets.enable_progress_bars()
            if of_transformers:
                transformers.logging.enable_progress_bar()
        # transformers switches the bars of huggingface_hub with its own, so these come last.
        hub.progress_bar_states.clear()
        hub.progress_bar_states.update(of_hub)

    return restore
