"""The package's source as tests read it."""

import ast
from functools import cache
from pathlib import Path

import mtsmart

PACKAGE = Path(mtsmart.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name or attribute; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{inner}.{node.attr}" if isinstance(node, ast.Attribute) and (inner := dotted(node.value)) else ""


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """All nodes of a file's syntax tree; parsed once, because many tests look at them."""
    return list(ast.walk(ast.parse(path.read_text())))
