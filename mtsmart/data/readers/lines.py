"""Text files line by line, in UTF-8 and with bounded memory."""

from __future__ import annotations

import codecs
import io
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from mtsmart.data.readers.packed import PACKINGS, open_bytes
from mtsmart.errors import DataError

MAX_LINE = 16_000_000  # characters
FIELD = 10  # characters that a field counts besides its own, for the memory that it takes
BLANKS = " \t\r\n"
BLOCK = 2**20  # bytes that are read together to find the first that is not UTF-8


def open_text(file: Path) -> TextIO:
    """The file as text; a byte order mark at its start is left out.

    Raises:
        DataError: the file cannot be opened or expanded.
    """
    try:
        return io.TextIOWrapper(open_bytes(file), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=file) from None


def bounded_lines(stream: TextIO, file: Path) -> Iterator[str]:
    """The lines of ``stream``, each with its line break.

    Raises:
        DataError: a line is so long that it could fill the memory.
        UnicodeDecodeError: the file is not UTF-8; ``not_utf8`` makes the message.
    """
    for number, line in enumerate(iter(partial(stream.readline, MAX_LINE), ""), 1):
        if len(line) == MAX_LINE:
            raise too_long(file, number)
        yield line


def size_of(fields: Sequence[str]) -> int:
    """The characters that the fields of a line count, for the memory that they take."""
    return FIELD * len(fields) + sum(map(len, fields))


def lines_as_they_come(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a stream that cannot be read twice; a byte order mark at its start is left out.

    Args:
        stream: gives bytes.
        name: of the stream, for errors.

    Raises:
        DataError: a line is not UTF-8, or is so long that it could fill the memory.
    """
    for number, line in enumerate(iter(partial(stream.readline, MAX_LINE), b""), 1):
        if len(line) == MAX_LINE:
            raise too_long(name, number)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise DataError("is not UTF-8", file=name, line=number, hint="Send it as UTF-8") from None
        yield text


def too_long(file: Path | str, line: int) -> DataError:
    """The error for a line that could fill the memory."""
    return DataError(f"is a line of more than {MAX_LINE:,} characters", file=file, line=line)


def not_utf8(file: Path) -> DataError:
    """The error for a file that cannot be decoded.

    The line comes from the bytes, because the readers decode more than the line that they give.
    """
    with open_bytes(file) as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return DataError("is UTF-16, not UTF-8", file=file, hint=_saved(file, "UTF-16", "Or run"))
    hint = _saved(file, "WINDOWS-1252", "If it comes from Windows")
    return DataError("is not UTF-8", file=file, line=_first_bad_line(file), hint=hint)


def _saved(file: Path, encoding: str, when: str) -> str:
    """How a file of another encoding becomes UTF-8."""
    if file.suffix.lower() in PACKINGS:
        return "Save it as UTF-8"
    old = shlex.quote(str(file))
    new = shlex.quote(str(file.with_name(f"{file.stem}_utf8{file.suffix}")))
    return f"Save it as UTF-8 (in Excel: CSV UTF-8). {when}: iconv -f {encoding} -t UTF-8 {old} > {new}"


def _first_bad_line(file: Path) -> int:
    line = 1
    last = b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(file) as stream:
        for block in iter(partial(stream.read, BLOCK), b""):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                # The error's bytes may begin with the last few of the block before.
                return line + _breaks(error.object[: error.start], last)
            line += _breaks(block, last)
            last = block[-1:]
    return line


def _breaks(block: bytes, last: bytes) -> int:
    """The line breaks in a block after the byte ``last``: those of Unix, of Windows, and of old Macs (``\\r``)."""
    pairs = block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
    return block.count(b"\n") + block.count(b"\r") - pairs
