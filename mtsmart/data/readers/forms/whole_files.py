"""Files each of which is one text, as in a folder for each label: the file becomes one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtsmart.data.readers.forms.wanted import Wanted
from mtsmart.data.readers.lines import MAX_LINE, not_utf8, open_text
from mtsmart.errors import DataError

COLUMNS = ("text", "folder", "file")
"""The columns of such a row: the text, the name of the folder that the file is in, and its own name."""


def read_whole(file: Path, wanted: Wanted = None) -> dict[str, Any]:
    """The one row of a file.

    Args:
        file: the file.
        wanted: the columns that are read; the others are None.

    Raises:
        DataError: the file cannot be read, is not UTF-8, or is so long that it could fill the memory.
    """
    try:
        with open_text(file) as stream:
            text = stream.read(MAX_LINE + 1)
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    if len(text) > MAX_LINE:
        raise DataError(f"has more than {MAX_LINE:,} characters, which is too much for one text", file=file)
    row = {"text": text.strip(), "folder": file.absolute().parent.name, "file": file.name}
    return {name: value if wanted is None or name in wanted else None for name, value in row.items()}
