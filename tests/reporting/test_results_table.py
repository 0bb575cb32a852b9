"""The table of scores: its title stands on one line, whatever the width of the table."""

import io
import math

from rich.console import Console

from mtsmart.reporting.results_table import results_table


def test_a_title_is_not_broken_at_the_width_of_its_table():
    console = Console(width=80, file=io.StringIO())
    title = "Best evaluation (update 120): score 0.7312"
    console.print(results_table({"a": {"f1": 0.5}}, {"a": {"f1": 0.25}}, title))
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == title
    assert "0.500" in console.file.getvalue() and "0.250" in console.file.getvalue()


def test_a_score_that_is_not_defined_is_said_to_be_so():
    """A missing baseline is an empty cell."""
    console = Console(width=80, file=io.StringIO())
    tasks = {"a": {"f1": math.nan, "recall": 0.5}}
    console.print(results_table(tasks, {"a": {"f1": math.nan}}, "scores"))
    shown = console.file.getvalue()
    assert shown.count("undefined") == 2 and "nan" not in shown
