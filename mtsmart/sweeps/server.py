"""Loaded by the process from which others are forked. It is started with the signals to stop blocked.

Its children inherit the block. Whoever starts them, also another library of the same program, ends them with SIGTERM,
and would wait for ever if it stayed blocked.
"""

from __future__ import annotations

import os
import signal


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


os.register_at_fork(after_in_child=_unblock)
