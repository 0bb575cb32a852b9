"""metrics.jsonl and timing.jsonl of a run: a line at a time, and as if an interrupted run had never stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mtsmart.durable import append_line, flush, open_to_append, writing
from mtsmart.runs.folder import RunFolder


class Journal:
    """Appends to the two files.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._metrics, self._timing = folder.metrics_file, folder.timing_file

    def start(self, size: int, tell: Callable[[str], None]) -> None:
        """Drop what an interrupted run wrote to metrics.jsonl after its resume point; it comes again.

        Args:
            size: bytes of metrics.jsonl that the resume point knows of; 0 for a new run.
            tell: told if lines before the resume point are missing; they are lost.
        """
        with writing(self._metrics), open_to_append(self._metrics) as stream:
            found = stream.tell()
            if found < size:
                left = f"{found:,} of {size:,} bytes are left"
                tell(f"{self._metrics}: has lost lines from before the resume point ({left})")
                size = self._metrics.read_bytes().rfind(b"\n") + 1
            stream.truncate(size)

    def add(self, record: dict[str, Any]) -> None:
        """A line of metrics.jsonl."""
        append_line(self._metrics, json.dumps(record))

    def add_timing(self, record: dict[str, Any]) -> None:
        """A line of timing.jsonl."""
        append_line(self._timing, json.dumps(record))

    def flushed_size(self) -> int:
        """Bytes of metrics.jsonl, all of them on the disk."""
        if not self._metrics.exists():
            return 0
        with writing(self._metrics):
            flush(self._metrics)
        return self._metrics.stat().st_size
