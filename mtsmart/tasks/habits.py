"""What users of other tools write into a task, and what they mean."""

from __future__ import annotations

import re
from pathlib import Path

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
