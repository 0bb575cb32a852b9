"""metrics.jsonl and timing.jsonl of a run, written line by line. Resumed runs leave the same lines as others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import append_line, flush, open_to_append
from mtsmart.storage.failures import writing
from mtsmart.text.json_text import json_text


class Journal:
    """Appends lines to the two files.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._metrics = folder.metrics_file
        self._timing = folder.timing_file

    def start(self, size: int, notify: Callable[[str], None]) -> None:
        """Cut off what an interrupted run wrote to metrics.jsonl after its resume point. The run writes it again.

        Args:
            size: length of metrics.jsonl in bytes when the resume point was written; 0 for a new run.
            notify: called with a text if lines before the resume point are lost.

        Raises:
            StorageError: the file cannot be written.
        """
        self._folder.claim(self._metrics)
        self._folder.claim(self._timing)
        with writing(self._metrics), open_to_append(self._metrics) as stream:
            found = stream.tell()
            if found < size:
                left = f"{found:,} of {size:,} bytes are left"
                notify(f"{self._metrics}: has lost lines from before the resume point ({left})")
                size = self._metrics.read_bytes().rfind(b"\n") + 1
            stream.truncate(size)

    def add(self, record: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        append_line(self._metrics, json_text(record))

    def add_timing(self, record: dict[str, Any]) -> None:
        """Append a line to timing.jsonl."""
        append_line(self._timing, json_text(record))

    def flushed_size(self) -> int:
        """The length of metrics.jsonl in bytes, after everything is on the disk."""
        if not self._metrics.exists():
            return 0
        with writing(self._metrics):
            flush(self._metrics)
        return self._metrics.stat().st_size
