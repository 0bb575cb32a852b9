"""Where the files of the repository stand on the site, and links that lead there.

The pages link to files of the repository with relative paths, which a code host follows. On the site the same links
lead to pages that the site has of these files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs/"
HOME = "README.md"

_LINK = re.compile(r"(?P<start>\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?P<end>\))")
_FENCE = re.compile(r"(^```.*?^```[ \t]*$)", re.MULTILINE | re.DOTALL)
_AS_IT_IS = (".md", ".png", ".svg")
_NOTEBOOK = ".ipynb"


def address_of(path: str) -> str:
    """Where a file or a folder of the repository stands on the site, as a source file of mkdocs.

    Args:
        path: from the top of the repository, with slashes.
    """
    if path == HOME:
        return "index.md"
    place = path.removeprefix(DOCS) if path.startswith(DOCS) else f"source/{path}"
    if (ROOT / path).is_dir():
        return f"{place}/index.md"
    if path.endswith(_NOTEBOOK):
        return f"{place.removesuffix(_NOTEBOOK)}.md"
    return place if path.endswith(_AS_IT_IS) else f"{place}.md"


def targets(markdown: str, path: str) -> list[str]:
    """The files and folders of the repository that a text links to, as paths from its top.

    Args:
        markdown: the text.
        path: where it stands in the repository.
    """
    found = [_resolved(link["target"], path) for text in _prose(markdown) for link in _LINK.finditer(text)]
    return [target for target in found if target is not None]


def with_links_of_site(markdown: str, path: str) -> str:
    """The same text with links that lead to places on the site.

    Args:
        markdown: the text.
        path: where it stands in the repository.
    """
    here = posixpath.dirname(address_of(path))

    def led(link: re.Match[str]) -> str:
        target = _resolved(link["target"], path)
        if target is None:
            return link[0]
        there = posixpath.relpath(address_of(target), here or ".")
        return f"{link['start']}{there}{link['anchor'] or ''}{link['end']}"

    return _changed_prose(markdown, lambda text: _LINK.sub(led, text))


def _resolved(target: str, path: str) -> str | None:
    """The path of a link's target from the top of the repository; None for what is no file or folder of it."""
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    is_outside = found.startswith("..") or posixpath.isabs(found)
    return None if is_outside or not (ROOT / found).exists() else found


def _prose(markdown: str) -> list[str]:
    """The parts of a text that are no blocks of code."""
    return _FENCE.split(markdown)[::2]


def _changed_prose(markdown: str, change: Callable[[str], str]) -> str:
    parts = _FENCE.split(markdown)
    return "".join(change(part) if number % 2 == 0 else part for number, part in enumerate(parts))
