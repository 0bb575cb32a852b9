"""The text of ``answer.py``: the runtime, and what it needs of mtsmart, as one file that imports nothing of mtsmart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_RUNTIME = Path(__file__).parent / "runtime"
_TEXT = Path(__file__).parents[2] / "text"
_PARTS = [_TEXT / f"{part}.py" for part in ("beginnings", "counts", "escaping", "json_text", "json_lines")]
_PARTS += [
    _RUNTIME / f"{part}.py"
    for part in ("shapes", "tokens", "settings", "given", "windows", "reading", "decoding", "answer")
]
_OWN = "mtsmart"
_FUTURE = "__future__"


def answer_text() -> str:
    """The file's text. The docstring is that of the last part, of which the others are parts."""
    sources = [part.read_text(encoding="utf-8") for part in _PARTS]
    trees = [ast.parse(source) for source in sources]
    imports = {line for tree in trees for line in _imports(tree)}
    bodies = [_body(source, tree) for source, tree in zip(sources, trees, strict=True)]
    docstring = ast.get_source_segment(sources[-1], trees[-1].body[0])
    return "\n".join([str(docstring), "", f"from {_FUTURE} import annotations", "", *sorted(imports), "", "", *bodies])


def _imports(tree: ast.Module) -> Iterator[str]:
    """Each imported name by a line of its own, so that equal ones of several parts are found."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (f"import {ast.unparse(alias)}" for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in (_OWN, _FUTURE):
            yield from (f"from {node.module} import {ast.unparse(alias)}" for alias in node.names)


def _body(source: str, tree: ast.Module) -> str:
    """What stands after the imports."""
    last = max(node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(source.splitlines()[last:]).strip("\n") + "\n\n"
