"""docs/mt-dnn-task-files.md names every key and value of MT-DNN's task files."""

import re
from pathlib import Path

from mtsmart.tasks import mtdnn_tables

PAGE = (Path(__file__).parents[2] / "docs" / "mt-dnn-task-files.md").read_text(encoding="utf-8")


# The page -----------------------------------------------------------------------------------------------------------
def row(name):
    """The table row that begins with ``name``."""
    found = [line for line in PAGE.splitlines() if re.match(rf"\| `{re.escape(name)}` \|", line)]
    assert found, f"docs/mt-dnn-task-files.md has no row for {name}"
    return found


def test_the_page_has_every_key():
    for key in mtdnn_tables.KEYS:
        assert row(key)


def test_the_page_has_every_value_with_what_it_becomes():
    for name, layout in mtdnn_tables.DATA_FORMATS.items():
        (line,) = [one for one in row(name) if "refused" in one or ".json" in one or ".tsv" in one]
        assert isinstance(layout, str) == ("refused" in line)
        for column in () if isinstance(layout, str) else layout.columns or layout.text:
            assert column in line, (name, column)
    for name, kind in mtdnn_tables.TASK_TYPES.items():
        lines = " ".join(row(name))
        assert ("refused" if isinstance(kind, str) else f"`{kind.task_type}`") in lines, name
    for name, ours in mtdnn_tables.METRICS.items():
        for metric in (metric for metrics in ours.values() for metric in metrics):
            assert f"`{metric}`" in " ".join(row(name)), (name, metric)
    for name in mtdnn_tables.CRITERIA:
        ours = mtdnn_tables.DIVERGENCES.get(name)
        assert (f"`{ours}`" if ours else "own") in " ".join(row(name)), name
