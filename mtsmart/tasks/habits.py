"""What users of other tools write into a task, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from mtsmart.config.reading.meant import parts_of
from mtsmart.config.reading.yaml_types import flow_text
from mtsmart.errors import DataError

_DATA_FILE = re.compile(r".+\.(csv|tsv|txt|jsonl?|ndjson|parquet|conll|xlsx?)(\.(gz|bz2|zst))?", re.IGNORECASE)


def names_data_file(path: str) -> bool:
    """Whether the ``path`` of a data set is the name of a data file; ``owner/x.csv`` may be a Hub id too."""
    if _DATA_FILE.fullmatch(path) is None:
        return False
    may_be_id = path.count("/") == 1 and path[0] not in "./~"
    return not may_be_id or Path(path).is_file()


def data_file_text(path: str) -> str:
    """What to write for a data file that stands where a data set on the Hub does."""
    return f"'{path}' is a data file: write files: {{train: {path}}}"


def hint_for_hub(path: str) -> str | None:
    """A hint for a data set that is not on the Hub; None unless its name looks like a data file's."""
    return f"If it is a data file, write files: {{train: {path}}}" if _DATA_FILE.fullmatch(path) else None


def columns_hint(label: object) -> str | None:
    """A hint for a label column whose name is several names; None for one name."""
    parts = parts_of(label) if isinstance(label, str) else []
    told = "is read as the name of one column; several columns of 0 and 1 are written"
    return f"'{label}' {told} label: {flow_text(parts)}" if len(parts) > 1 else None


def refuse_joined_texts(task: str, texts: Collection[str], present: Collection[str], place: str) -> None:
    """Refuse one text column whose name is the names of two columns of the data.

    Raises:
        DataError: names the task's key, and says what to write.
    """
    for text in texts:
        parts = parts_of(text)
        if text not in present and len(parts) > 1 and set(parts) <= set(present):
            message = f"there is no column '{text}' in {place}, but there are the columns {' and '.join(parts)}"
            raise DataError(message, key=f"{task}.text", hint=f"Write text: {flow_text(parts)}")
