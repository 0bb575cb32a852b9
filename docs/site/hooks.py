"""mkdocs: the site also has README.md as its first page, the notebooks, and what pages link to outside docs/.

Markdown stays Markdown, a picture stays a picture, any other text becomes a page that shows it, and a folder becomes a
list. So the site is whole without a code host.
"""

from __future__ import annotations

import re
from pathlib import Path

from links import DOCS, HOME, ROOT, address_of, targets, with_links_of_site
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebook_pages import BUILT, markdown_of

_PICTURES = (".png", ".svg")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".json": "json", ".cff": "yaml", ".cfg": "ini"}
_LARGEST = 100_000  # characters that a page shows
_HIDDEN = (".", "__")
_BAR_ROW = re.compile(r"^\|.*$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_NOT_SEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"

_places: dict[str, str] = {}
"""Address of a page on the site -> its path in the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that docs/ does not hold as pages."""
    _places.clear()
    notebooks = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / DOCS / "notebooks").glob("*.ipynb"))]
    waiting = [HOME, *notebooks, *(f"{DOCS}{file.src_uri}" for file in files.documentation_pages())]
    while waiting:
        path = waiting.pop()
        address = address_of(path)
        if address not in _places:
            _places[address] = path
            if files.get_file_from_path(address) is None:
                files.append(_file(path, config))
            waiting += _next(path)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Lead links to files of the repository to their pages, and write bars in code as mkdocs reads them."""
    return _BAR_ROW.sub(_with_plain_bars, with_links_of_site(markdown, _places[page.file.src_uri]))


def _with_plain_bars(row: re.Match[str]) -> str:
    """A row of a table whose code has bars without a backslash: a code host wants it there, and mkdocs shows it."""
    return _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0])


def _file(path: str, config: MkDocsConfig) -> File:
    address = address_of(path)
    if path.endswith(_PICTURES):
        return File.generated(config, address, abs_src_path=str(ROOT / path))
    return File.generated(config, address, content=_page(ROOT / path, path))


def _page(file: Path, path: str) -> str:
    """What the site shows of a file or a folder, in Markdown."""
    if file.is_dir():
        lines = [f"- [`{child.name}`]({file.name}/{child.name})" for child in _children(file)]
        return "\n".join([f"{_NOT_SEARCHED}# `{path}/`", "", *lines, ""])
    if path.endswith(".ipynb"):
        return markdown_of(file, ROOT / BUILT / file.name)
    text = file.read_text(encoding="utf-8", errors="replace")
    if path.endswith(".md"):
        return text
    shown = text if len(text) <= _LARGEST else f"{text[:_LARGEST]}\n... and {len(text) - _LARGEST:,} more characters"
    return f"{_NOT_SEARCHED}# `{path}`\n\n~~~~~~{_LANGUAGES.get(file.suffix, 'text')}\n{shown}\n~~~~~~\n"


def _next(path: str) -> list[str]:
    """What the site needs beside a file or folder, because it links there."""
    file = ROOT / path
    if file.is_dir():
        return [f"{path}/{child.name}" for child in _children(file)]
    return targets(file.read_text(encoding="utf-8"), path) if path.endswith(".md") else []


def _children(folder: Path) -> list[Path]:
    return [child for child in sorted(folder.iterdir()) if not child.name.startswith(_HIDDEN)]
