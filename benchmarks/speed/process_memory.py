"""How much memory this process has, and how processes are started whose memory is measured."""

from __future__ import annotations

from pathlib import Path

START_METHOD = "spawn"  # A new process has loaded nothing that another arm has loaded.


def status(field: str, process: int | str = "self") -> int:
    """Bytes of a field of a process's status: VmRSS (now), VmHWM (the most so far), RssAnon (without files)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)
