"""Which files an output may replace: those of its own kind, and none that the same command reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mtsmart.errors import ConfigError
from mtsmart.storage.owned import is_same_file


def check_replaceable(
    output: Path, *, kind: str, is_of_kind: Callable[[Path], bool] | None = None, read: Iterable[str | Path] = ()
) -> None:
    """Refuse to write over what is not a file of this kind.

    Args:
        output: the file that will be written. It need not exist.
        kind: what it will hold, for errors.
        is_of_kind: whether a file holds this; None: the user has said that the file may be replaced.
        read: the files that the same command reads.

    Raises:
        ConfigError: the output is a file that is read, a link, no file at all, or a file of another kind.
    """
    if any(is_same_file(output, Path(file)) for file in read):
        raise ConfigError("would overwrite the file that is read", argument="output", value=str(output))
    if output.is_symlink():
        hint = "Name the file that it leads to"
        raise ConfigError("is a link, which would be replaced", argument="output", value=str(output), hint=hint)
    if output.exists() and not output.is_file():
        raise ConfigError("is no file, but a folder, a pipe or a device", argument="output", value=str(output))
    if output.exists() and is_of_kind is not None and not is_of_kind(output):
        hint = "Name another file"
        raise ConfigError(f"holds something else than {kind}", argument="output", value=str(output), hint=hint)
