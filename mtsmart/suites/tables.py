"""Reports of suites as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from mtsmart.reporting.results_table import slices_table
from mtsmart.reporting.shown import shown
from mtsmart.suites.report import SuiteReport
from mtsmart.text.scores import score_text


def suite_table(report: SuiteReport, by: Sequence[str]) -> Group:
    """The lines of a report, its one number, and the slices.

    Args:
        report: the report.
        by: the columns of the slices.
    """
    table = Table("task")
    table.add_column("score", justify="right")
    for title, score in report.lines.items():
        table.add_row(shown(title), "not scored" if score is None else score_text(score))
    overall = "no score" if report.overall is None else f"score {score_text(report.overall)}"
    parts: list[RenderableType] = [shown(f"{report.suite.name}, {report.split}: {overall}", "table.title"), table]
    if report.missing:
        parts.append(shown(f"The suite has no score, because these tasks were not scored: {', '.join(report.missing)}"))
    for name, result in report.evaluation.tasks.items():
        if result.slices:
            parts.append(slices_table(name, by, result.slices))
    return Group(*parts)
