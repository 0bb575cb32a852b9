"""The table of scores: its title stands on one line, whatever the width of the table."""

import io

from rich.console import Console

from mtsmart.reporting.results_table import results_table


def test_a_title_is_not_broken_at_the_width_of_its_table():
    console = Console(width=80, file=io.StringIO())
    title = "Best evaluation (update 120): score 0.7312"
    console.print(results_table({"a": {"f1": 0.5}}, {"a": {"f1": 0.25}}, title))
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == title
    assert "0.500" in console.file.getvalue() and "0.250" in console.file.getvalue()
