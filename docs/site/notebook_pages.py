"""Notebooks as Markdown for the site: their text, their code, and what an execution has shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILT = "build/notebooks"
"""The folder for executed copies of the notebooks, which `make notebooks` fills."""

_EMPTY_LINES = re.compile(r"\n\s*\n")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def markdown_of(notebook: Path, executed: Path) -> str:
    """A notebook as a page.

    Args:
        notebook: the file, which holds no outputs.
        executed: an executed copy. If it is missing or a copy of other cells, the page has no outputs.
    """
    cells = _cells(notebook)
    shown = _cells(executed) if executed.is_file() else []
    is_copy = [_source(cell) for cell in cells] == [_source(cell) for cell in shown]
    parts = map(_cell, shown if is_copy else cells)
    page = "\n\n".join([*parts, f"This page is the notebook `docs/notebooks/{notebook.name}`."]) + "\n"
    return page.replace(f"{ROOT}/", "")  # Where this copy of the repository lies says nothing to a reader.


def _cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _cell(cell: dict[str, Any]) -> str:
    if cell["cell_type"] == "markdown":
        return _source(cell)
    return "\n\n".join([f"```python\n{_source(cell)}\n```", *filter(None, map(_output, _whole(cell["outputs"])))])


def _whole(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs with what was printed piece by piece as one."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        is_next_piece = bool(found) and "name" in output and output["name"] == found[-1].get("name")
        if is_next_piece:
            found[-1] = {**output, "text": [*found[-1]["text"], *output["text"]]}
        else:
            found.append(output)
    return found


def _output(output: dict[str, Any]) -> str:
    """Tables as they are, because mtsmart has escaped what is in them; all else as text.

    What went to standard error is left out: it is about this machine, such as packages that it lacks.
    """
    if output.get("name") == "stderr":
        return ""
    data = output.get("data", {})
    if "text/html" in data:
        table = _EMPTY_LINES.sub("\n", "".join(data["text/html"]))  # An empty line would end a block of HTML.
        return f'<div class="output">{table}</div>'
    text = _TERMINAL.sub("", "".join(output.get("text", data.get("text/plain", [])))).rstrip()
    return f"~~~~~~text\n{text}\n~~~~~~" if text else ""
