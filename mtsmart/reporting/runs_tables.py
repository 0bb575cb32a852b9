"""Runs in tables for a terminal: a list of a folder's runs, and some of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from mtsmart.errors import ConfigError, MissingPackageError, MtsmartError
from mtsmart.reporting.report.comparison import DIFFERENT_TASKS, Comparison
from mtsmart.reporting.report.record import RunRecord, read_record
from mtsmart.reporting.report.setting_differences import setting_text
from mtsmart.reporting.report.units import date_text
from mtsmart.reporting.shown import shown
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import refuse_address
from mtsmart.text.escaping import cut
from mtsmart.text.scores import score_cell

_LONGEST = 30  # characters of a value
_MISSING = "missing package"  # the state of a run that cannot be used until a package is installed


def runs_in(folder: Path) -> dict[Path, RunRecord | MtsmartError]:
    """The runs directly in a folder, the latest first; an error in place of a run whose files are damaged.

    Raises:
        ConfigError: there is no such folder, or it is an address on the Hub.
    """
    refuse_address(folder, "folder")
    if not folder.is_dir():
        raise ConfigError("there is no such folder", argument="folder", value=str(folder))
    found: dict[Path, RunRecord | MtsmartError] = {}
    for path in sorted(folder.iterdir()):
        try:
            if path.is_dir() and RunFolder(path).is_run:
                found[path] = read_record(path)
        except MtsmartError as error:
            found[path] = error
    return dict(sorted(found.items(), key=lambda each: _date(each[1]), reverse=True))


def _date(run: RunRecord | MtsmartError) -> float:
    """Seconds since 1970; 0 for a damaged run, which stands last."""
    return run.date.timestamp() if isinstance(run, RunRecord) else 0.0


def runs_table(runs: Mapping[Path, RunRecord | MtsmartError]) -> Table:
    """One line for each run."""
    table = Table("run", "date", "tasks")
    for column in ("score", "updates"):
        table.add_column(column, justify="right")
    table.add_column("state")
    for path, run in runs.items():
        if isinstance(run, MtsmartError):
            table.add_row(shown(path.name), "", "", "", "", shown(_state_of(run), "red"))
            continue
        tasks = ", ".join(run.definitions)
        numbers = (score_cell(run.results.score), f"{run.updates:,}")
        state = run.state.value if run.missing is None else shown(_MISSING, "red")
        table.add_row(shown(path.name), date_text(run.date), shown(tasks), *numbers, state)
    return table


def reasons_missing(runs: Mapping[Path, RunRecord | MtsmartError]) -> list[str]:
    """A line for each run that needs a package which is not installed."""
    errors = [str(run) for run in runs.values() if isinstance(run, MissingPackageError)]
    of_records = {path: run.missing for path, run in runs.items() if isinstance(run, RunRecord)}
    return [*errors, *(f"{path}: {missing}" for path, missing in of_records.items() if missing is not None)]


def runs_json(runs: Mapping[Path, RunRecord | MtsmartError]) -> list[dict[str, Any]]:
    """The same for programs, in JSON types."""
    return [{"path": str(path), **_facts(run)} for path, run in runs.items()]


def _facts(run: RunRecord | MtsmartError) -> dict[str, Any]:
    if isinstance(run, MtsmartError):
        return {"state": _state_of(run), "error": str(run)}
    facts = {
        "date": run.date.isoformat(timespec="seconds"),
        "tasks": list(run.definitions),
        "score": run.results.score,
        "updates": run.updates,
        "state": run.state.value,
    }
    return facts if run.missing is None else {**facts, "state": _MISSING, "error": run.missing}


def _state_of(error: MtsmartError) -> str:
    return _MISSING if isinstance(error, MissingPackageError) else "damaged"


def comparison_tables(comparison: Comparison) -> Group:
    """Scores side by side, whether they are of the same rows, and the settings that differ."""
    parts: list[RenderableType] = [_scores(comparison)]
    if not comparison.has_same_tasks:
        parts.append(shown(DIFFERENT_TASKS))
    parts += map(shown, comparison.scored_rows().sentences())
    found = comparison.sorted_differences()
    if not found.shared and not found.partial:
        parts.append(shown("They have the same settings."))
        return Group(*parts)
    parts.append(shown("Where the settings differ:", "bold"))
    parts += [shown(f"task {task.name}: only in {' and '.join(task.runs)}") for task in found.partial]
    if found.shared:
        parts.append(_settings(comparison, found.shared))
    return Group(*parts)


def _settings(comparison: Comparison, differences: Mapping[str, Sequence[Any]]) -> Table:
    table = Table()
    # Names of settings differ in their ends, so a long one is broken and not cut.
    for name in ("setting", *comparison.runs):
        table.add_column(shown(name), overflow="fold")
    for key, values in differences.items():
        table.add_row(shown(key), *(shown(cut(setting_text(value), _LONGEST)) for value in values))
    return table


def _scores(comparison: Comparison) -> Table:
    table = Table("task", "metric")
    for name in comparison.runs:
        table.add_column(shown(name), justify="right")
    table.add_row("(all)", "score", *(score_cell(record.results.score) for record in comparison.runs.values()))
    shared = comparison.shared_scores()
    if shared and not comparison.has_same_tasks:
        table.add_row(f"({len(comparison.shared_tasks)} shared)", "score", *map(score_cell, shared.values()))
    for task in comparison.tasks:
        if not comparison.metrics(task):
            table.add_row(shown(task), "not scored")
        for index, metric in enumerate(comparison.metrics(task)):
            values = comparison.values(task, metric)
            table.add_row(shown(task if index == 0 else ""), shown(metric), *map(score_cell, values))
    return table
