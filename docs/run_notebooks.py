"""Execute notebooks into build/notebooks, from which the site takes what they show.

python docs/run_notebooks.py                                 # all notebooks of docs/notebooks
python docs/run_notebooks.py docs/notebooks/first-run.ipynb  # some of them
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "docs" / "notebooks"
BUILT = ROOT / "build" / "notebooks"
_LONGEST = 600  # seconds of a cell


def main() -> int:
    """Execute each notebook in an empty folder; exit code 1 if a cell fails."""
    BUILT.mkdir(parents=True, exist_ok=True)
    failed = False
    for path in [Path(given) for given in sys.argv[1:]] or sorted(STORED.glob("*.ipynb")):
        start = time.monotonic()
        error = execute(path, BUILT / path.name)
        failed |= error is not None
        print(error or f"{path.name}: {time.monotonic() - start:.0f} seconds")
    return int(failed)


def execute(path: Path, built: Path) -> str | None:
    """Write an executed copy of a notebook; the error of its first cell that fails."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="mtsmart-notebook-") as folder:
        client = NotebookClient(notebook, timeout=_LONGEST, resources={"metadata": {"path": folder}})
        try:
            client.execute()
        except CellExecutionError as error:
            return f"{path.name}: {error}"
    nbformat.write(notebook, built)
    return None


if __name__ == "__main__":
    sys.exit(main())
