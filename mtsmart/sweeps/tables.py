"""Computes the figures of a sweep's tables from its finished runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mtsmart.metrics.churn import churn_values
from mtsmart.metrics.statistics import Difference, Summary, paired_difference, significant, summarize
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.notes import notes
from mtsmart.sweeps.plan import Job, Plan, Replicate, Table

_Scores: TypeAlias = Mapping[str, dict[Replicate, float]]
"""Arm -> seed and fold -> value."""

CHURN = "churn of seeds"
"""On how many rows two seeds disagree. It stands beside metrics, whose names have no blanks."""


@dataclass
class Row:
    """One arm on one task.

    Attributes:
        arm: the arm's name.
        scores: seed and fold -> the value of the metric at the last evaluation.
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
        others: what else was measured, a further metric or :data:`CHURN` -> one row for each arm that has it.
    """

    title: str
    task: str
    metric: str
    baseline: str | None
    rows: list[Row]
    scored: str
    notes: list[str] = field(default_factory=list)
    others: dict[str, list[Row]] = field(default_factory=dict)


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
    like = {arm: found for arm, found in runs.items() if found and _metric([found], task) == metric}
    if not like:
        return None
    base = table.baseline or (next(iter(like)) if len(like) > 1 else None)
    scores = {arm: _scores(found, task, metric) for arm, found in like.items()}
    rows = _compared(table, task, scores, base, ledger)
    for row in rows:
        row.figures = _figures(like[row.arm])
        row.cost = _cost(like[row.arm], like[base]) if base in like else None
    others = _other_scores(like, task, metric)
    first = next(iter(next(iter(like.values())).values()))
    return Comparison(
        table.title(task),
        task,
        metric,
        base,
        rows,
        first.rows.get(task, {}).get("validation", "").rpartition(", ")[0],
        notes(table, runs, task, ledger),
        {name: _compared(table, task, found, base, ledger) for name, found in others.items()},
    )


def _compared(table: Table, task: str, scores: _Scores, base: str | None, ledger: Ledger) -> list[Row]:
    """One row for each arm that has scores, with its difference to the baseline."""
    rows = {arm: Row(arm, found, summarize(list(found.values()))) for arm, found in scores.items() if found}
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
    return list(rows.values())


def _runs(jobs: list[Job], task: str, ledger: Ledger) -> dict[Replicate, FinishedRun]:
    found = {job.replicate: ledger[job.key] for job in jobs if job.key in ledger}
    return {replicate: run for replicate, run in found.items() if task in run.tasks}


def _metric(arms: Iterable[Mapping[Replicate, FinishedRun]], task: str) -> str:
    """The main metric of the first finished run. Arms with another main metric cannot be compared with it."""
    return next((run.main(task)[0] for runs in arms for run in runs.values()), "")


def _scores(runs: Mapping[Replicate, FinishedRun], task: str, metric: str) -> dict[Replicate, float]:
    return {replicate: run.tasks[task][metric] for replicate, run in runs.items() if metric in run.tasks[task]}


def _other_scores(runs: Mapping[str, Mapping[Replicate, FinishedRun]], task: str, main: str) -> dict[str, _Scores]:
    """What was measured beside the main metric -> arm -> its values."""
    names = dict.fromkeys(name for of_arm in runs.values() for run in of_arm.values() for name in run.tasks[task])
    found: dict[str, _Scores] = {
        name: {arm: _scores(of_arm, task, name) for arm, of_arm in runs.items()} for name in names if name != main
    }
    churns = {arm: _churn(of_arm, task) for arm, of_arm in runs.items()}
    if any(churns.values()):
        found[CHURN] = churns
    return found


def _churn(runs: Mapping[Replicate, FinishedRun], task: str) -> dict[Replicate, float]:
    """One value for each seed; empty without kept answers, or if the runs did not score the same rows, as folds."""
    answers = {replicate: run.answers[task] for replicate, run in runs.items() if run.answers and task in run.answers}
    scored = {run.rows.get(task, {}).get("validation") for run in runs.values()}
    if len(answers) < len(runs) or len(scored) > 1:
        return {}
    values = churn_values(list(answers.values()))
    return dict(zip(answers, values, strict=True)) if values else {}


def _figures(runs: Mapping[Replicate, FinishedRun]) -> dict[str, float]:
    names = dict.fromkeys(name for run in runs.values() for name in run.figures)
    return {name: statistics.fmean(run.figures[name] for run in runs.values() if name in run.figures) for name in names}


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
