"""docs/extending.md shows the very files of the package that the tests install."""

import re
import runpy

from tests.package_source import ROOT

PACKAGE = ROOT / "tests" / "plugins" / "package"
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
# A line with nothing but a link to a file, then a fenced block.
BLOCK = re.compile(
    r"^\[`(?P<name>[^`\n]+)`\]\(\.\./tests/plugins/package/(?P<path>[^)\n]+)\):\n\n```\w+\n(?P<text>(?:.*\n)*?)```$",
    re.MULTILINE,
)
SHOWN = {block["path"]: block for block in BLOCK.finditer(PAGE)}
UNSHOWN = {"mtsmart_extras/__init__.py", "mtsmart_extras/broken.py"}


def test_each_block_is_the_file_that_it_names():
    for path, block in SHOWN.items():
        assert block["name"] == path
        assert block["text"] == (PACKAGE / path).read_text(encoding="utf-8"), path


def test_every_file_of_the_package_is_shown():
    kinds = ("*.py", "*.toml", "*.yaml")
    files = {path.relative_to(PACKAGE).as_posix() for kind in kinds for path in PACKAGE.rglob(kind)}
    assert SHOWN.keys() == files - UNSHOWN


def test_every_group_of_entry_points_is_in_the_table():
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mtsmart").rglob("*.py"))
    groups = set(re.findall(r'group="(mtsmart\.\w+)"', source))
    assert groups == set(re.findall(r"\| `(mtsmart\.\w+)` \|", PAGE))


def test_the_code_that_looks_at_a_term_runs(trained_run, capsys):
    run = trained_run()
    code = PAGE.rpartition("```python\n")[2].partition("```")[0]
    assert "clean_pass(" in code
    file = run.parent / "look.py"
    file.write_text(code.replace("runs/quickstart", str(run)).replace("quick_attitude", "color"), encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")
    assert re.match(r"\{'r3f': tensor\([0-9.e-]+\)\}", capsys.readouterr().out)
