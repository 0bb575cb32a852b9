"""Computes the figures of a sweep's tables from its finished runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mtsmart.metrics.statistics import Difference, Summary, paired_difference, significant, summarize
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.notes import notes
from mtsmart.sweeps.plan import Job, Plan, Replicate, Table


@dataclass
class Row:
    """One arm on one task.

    Attributes:
        arm: the arm's name.
        scores: seed and fold -> the task's main metric at the last evaluation.
        summary: the summary of the scores.
        difference: the difference to the baseline, over the runs that both have; None for the baseline itself.
        is_finished: whether all planned runs of the difference are finished.
        is_significant: whether it is finished and significant (:func:`mtsmart.metrics.statistics.significant`).
        cost: the seconds of an update divided by those of the baseline; None if they were not measured, or were
            measured only on different machines.
        figures: the means over seeds of the figures that training logged last (R, flips, delta/x, D).
    """

    arm: str
    scores: dict[Replicate, float]
    summary: Summary
    difference: Difference | None = None
    is_finished: bool = False
    is_significant: bool = False
    cost: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass
class Comparison:
    """One table on one of its tasks.

    Attributes:
        title: the title of the comparison.
        task: the task's name.
        metric: the main metric of the task.
        baseline: the arm with which the others are compared; None if there is only one arm.
        rows: one row for each arm.
        scored: the number of scored validation rows, as text.
        notes: sentences below the table.
    """

    title: str
    task: str
    metric: str
    baseline: str | None
    rows: list[Row]
    scored: str
    notes: list[str] = field(default_factory=list)


def compare(plan: Plan, ledger: Ledger) -> list[Comparison]:
    """All tables, task by task. Tables without a finished run are left out."""
    return [
        comparison
        for table in plan.tables
        for task in table.tasks
        if (comparison := _comparison(table, task, ledger)) is not None
    ]


def _comparison(table: Table, task: str, ledger: Ledger) -> Comparison | None:
    runs = {arm: _runs(jobs, task, ledger) for arm, jobs in table.arms.items()}
    metric = _metric(runs.values(), task)
    rows = {arm: _row(arm, found, task) for arm, found in runs.items() if _metric([found], task) == metric and found}
    if not rows:
        return None
    base = table.baseline or (next(iter(rows)) if len(rows) > 1 else None)
    if base in rows:
        others = [row for arm, row in rows.items() if arm != base]
        for row in others:
            _add_difference(row, rows[base])
        compared = [row for row in others if row.difference is not None]
        planned = sum(any(task in job.tasks for job in jobs) for jobs in table.arms.values()) - 1
        verdicts = significant([row.difference for row in compared if row.difference], planned)
        for row, verdict in zip(compared, verdicts, strict=True):
            row.is_finished = all(job.key in ledger for arm in (row.arm, base) for job in table.arms[arm])
            row.is_significant = verdict and row.is_finished
        for arm, row in rows.items():
            row.cost = _cost(runs[arm], runs[base])
    first = next(iter(next(found for found in runs.values() if found).values()))
    return Comparison(
        table.title(task),
        task,
        metric,
        base,
        list(rows.values()),
        first.rows.get(task, {}).get("validation", "").rpartition(", ")[0],
        notes(table, runs, task, ledger),
    )


def _runs(jobs: list[Job], task: str, ledger: Ledger) -> dict[Replicate, FinishedRun]:
    found = {job.replicate: ledger[job.key] for job in jobs if job.key in ledger}
    return {replicate: run for replicate, run in found.items() if task in run.tasks}


def _metric(arms: Iterable[Mapping[Replicate, FinishedRun]], task: str) -> str:
    """The main metric of the first finished run. Arms with another main metric cannot be compared with it."""
    return next((run.main(task)[0] for runs in arms for run in runs.values()), "")


def _row(arm: str, runs: Mapping[Replicate, FinishedRun], task: str) -> Row:
    scores = {replicate: run.main(task)[1] for replicate, run in runs.items()}
    names = dict.fromkeys(name for run in runs.values() for name in run.figures)
    figures = {
        name: statistics.fmean(run.figures[name] for run in runs.values() if name in run.figures) for name in names
    }
    return Row(arm, scores, summarize(list(scores.values())), figures=figures)


def _add_difference(row: Row, baseline: Row) -> None:
    both = [replicate for replicate in row.scores if replicate in baseline.scores]
    if both:
        row.difference = paired_difference([row.scores[one] for one in both], [baseline.scores[one] for one in both])


def _cost(runs: Mapping[Replicate, FinishedRun], baseline: Mapping[Replicate, FinishedRun]) -> float | None:
    """The median over the pairs of runs that used one kind of machine. Other work on it would change a mean more."""
    pairs = [(run, baseline[one]) for one, run in runs.items() if one in baseline]
    ratios = [
        run.seconds_per_update / base.seconds_per_update
        for run, base in pairs
        if (run.machine, run.device) == (base.machine, base.device)
        and run.seconds_per_update
        and base.seconds_per_update
    ]
    return statistics.median(ratios) if ratios else None
