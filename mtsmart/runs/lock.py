"""A lock, so that only one run at a time writes a folder."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from mtsmart.errors import CheckpointError
from mtsmart.storage.durable import read_json
from mtsmart.storage.failures import writing
from mtsmart.storage.owned import PREFIX

LOCK = f"{PREFIX}lock"
HOLDER = f"{PREFIX}holder.json"


def is_being_written(folder: Path) -> bool:
    """Whether another process than this one writes a run's folder, and is alive as far as can be seen from here.

    Nothing is locked or written, so a process that starts at this moment is not disturbed.
    """
    try:
        holder = read_json(folder / HOLDER)
        process = int(holder["pid"])
        is_here = holder["host"] == socket.gethostname()
        if is_here:
            os.kill(process, 0)  # The signal 0 only asks whether there is such a process.
    except PermissionError:  # There is one, of another user.
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    return not (is_here and process == os.getpid())


class RunLock:
    """Held while a run is written. The system frees it when the process dies for any reason.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._holder = folder / HOLDER
        self._lock = FileLock(folder / LOCK, timeout=0)

    def acquire(self) -> None:
        """Take the lock, and create the folder if it is not there.

        Raises:
            CheckpointError: another process holds the lock; the message names that process.
            StorageError: the folder cannot be written.
        """
        if self._lock.is_locked:
            return
        is_new = not self.folder.exists()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout:
                raise CheckpointError(
                    f"another run is writing here: {self._described()}",
                    file=self.folder,
                    hint="Wait for it, stop it, or train into another folder",
                ) from None
        try:
            with writing(self.folder):
                holder = {"pid": os.getpid(), "host": socket.gethostname()}
                self._holder.unlink(missing_ok=True)  # It may be a link, and nothing is written through one.
                with self._holder.open("x", encoding="utf-8") as stream:
                    stream.write(json.dumps(holder) + "\n")
        except BaseException:
            self.discard() if is_new else self.release()
            raise

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Free the lock, if this process holds it."""
        if self._lock.is_locked:
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    def discard(self) -> None:
        """Free the lock and delete its files, and the folder too if it is empty then."""
        if self._lock.is_locked:
            (self.folder / LOCK).unlink(missing_ok=True)
            self.release()
            with suppress(OSError):
                self.folder.rmdir()

    def _described(self) -> str:
        try:
            holder = read_json(self._holder)
            return f"process {holder['pid']} on {holder['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that has just started or is about to end"
