"""The pages of the site: their order, their links, and the notebooks among them."""

import ast
import importlib
import importlib.util
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml

import mtsmart
from tests.conftest import MINILM
from tests.forked import Forked
from tests.package_source import ROOT

DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")


def site_module(name):
    """A module of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


links = site_module("links")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.glob("*.md")),
    *NOTEBOOKS,
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted((ROOT / "experiments").rglob("*.md")),
]


def cells(notebook, kind):
    return ["".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == kind]


def prose(page):
    """A page without its blocks of code."""
    text = page.read_text(encoding="utf-8") if page.suffix == ".md" else "\n\n".join(cells(page, "markdown"))
    return FENCE.sub("", text)


def anchors(page):
    """The anchors that a code host gives the headings of a page."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_anchors_lead_somewhere(page):
    for target, anchor in LINK.findall(prose(page)):
        if target.startswith("http"):
            continue
        there = (page.parent / target) if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def navigation(entry):
    """The pages of a part of the navigation, in its order."""
    if isinstance(entry, str):
        return [entry]
    parts = entry if isinstance(entry, list) else entry.values()
    return [page for part in parts for page in navigation(part)]


def test_every_page_stands_once_in_the_navigation():
    pages = [path.relative_to(ROOT).as_posix() for path in (*sorted(DOCS.glob("*.md")), *NOTEBOOKS)]
    shown = navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert len(shown) == len(set(shown))
    wanted = {links.address_of(path) for path in ["README.md", *pages]}
    assert wanted <= set(shown), f"mkdocs.yml lacks {wanted - set(shown)}"
    others = {page.removeprefix("source/") for page in set(shown) - wanted}
    assert all((ROOT / page).is_file() for page in others), others


def test_links_of_the_repository_become_links_of_the_site():
    text = "[a](../mtsmart/api.py#x) [b](data.md#forms) [c](schema) [d](https://x.org/a.md) ![e](images/report.png)"
    code = "\n```\n[a](../mtsmart/api.py)\n```\n"
    assert links.with_links_of_site(text + code, "docs/python.md") == (
        "[a](source/mtsmart/api.py.md#x) [b](data.md#forms) [c](schema/index.md) [d](https://x.org/a.md) "
        "![e](images/report.png)" + code
    )
    assert links.with_links_of_site("[x](docs/data.md) [y](SECURITY.md)", "README.md") == (
        "[x](data.md) [y](source/SECURITY.md)"
    )
    assert links.with_links_of_site("[x](../data.md)", "docs/notebooks/first-run.ipynb") == "[x](../data.md)"
    results = "experiments/evidence/RESULTS.md"
    assert links.with_links_of_site("[x](../../README.md)", results) == "[x](../../../index.md)"
    assert links.targets(text + code, "docs/python.md") == [
        "mtsmart/api.py",
        "docs/data.md",
        "docs/schema",
        "docs/images/report.png",
    ]


def test_a_notebook_becomes_a_page_with_what_it_showed(tmp_path):
    pages = site_module("notebook_pages")
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": ["a package is missing"]},
        {"output_type": "stream", "name": "stdout", "text": ["\x1b[1mone\x1b[0m\n"]},
        {"output_type": "stream", "name": "stdout", "text": ["two\n"]},
        {"output_type": "execute_result", "data": {"text/html": ["<table>\n\n</table>"], "text/plain": ["no"]}},
    ]
    stored, executed = tmp_path / "a.ipynb", tmp_path / "executed.ipynb"
    for file, shown in ((stored, []), (executed, outputs)):
        code = {"cell_type": "code", "source": ["1 + 1"], "outputs": shown}
        file.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A\n", "text"]}, code]}))
    head = "# A\ntext\n\n```python\n1 + 1\n```\n\n"
    assert pages.markdown_of(stored, tmp_path / "gone").startswith(f"{head}This page is")
    shown = '~~~~~~text\none\ntwo\n~~~~~~\n\n<div class="output"><table>\n</table></div>\n\n'
    assert pages.markdown_of(stored, executed).startswith(f"{head}{shown}This page is")
    stored.write_text(stored.read_text().replace("1 + 1", "2 + 2"))
    assert "one" not in pages.markdown_of(stored, executed)  # It is a copy of other cells.


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_uses_what_exists(notebook):
    content = json.loads(notebook.read_text())
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    tree = ast.parse("\n".join(cells(notebook, "code")))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("mtsmart"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, name.name) for name in node.names), node.module
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mtsmart":
            assert node.attr in mtsmart.__all__
    assert f'ENCODER = "{MINILM}"' in "\n".join(cells(notebook, "code"))


def run_file(file):
    sys.argv = [str(file)]
    runpy.run_path(str(file), run_name="__main__")


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_code_of_a_notebook_runs(notebook, minilm, tmp_path, monkeypatch):
    """In a process of its own, because a notebook may register what other tests must not see."""
    file = Path(tmp_path / "notebook.py")
    file.write_text("\n".join(cells(notebook, "code")))
    monkeypatch.chdir(tmp_path)
    process = Forked(run_file, file, out=tmp_path / "out")
    assert process.wait(timeout=600) == 0, process.out.read_text()
