"""What cross-validation gives: the mean and the standard deviation of each task and metric over the folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtsmart.metrics.statistics import Summary, summarize
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.plan import Job, Plan
from mtsmart.text.escaping import markdown

_HEAD = ("task", "metric", "runs", "mean", "std")


@dataclass(frozen=True)
class OverFolds:
    """One metric of a task over the finished runs of an arm.

    Attributes:
        title: the table and the arm.
        task, metric: what is scored.
        summary: over the runs; the standard deviation is that of a sample (n - 1).
        of_folds: fold -> the mean over the seeds that are finished.
    """

    title: str
    task: str
    metric: str
    summary: Summary
    of_folds: dict[int, float]


def over_folds(plan: Plan, ledger: Ledger) -> list[OverFolds]:
    """All tasks and metrics of all arms that have a finished run."""
    return [
        found
        for table in plan.tables
        for arm, jobs in table.arms.items()
        for found in _of_arm(arm if arm == table.name else f"{table.name}: {arm}", jobs, ledger)
    ]


def fold_lines(plan: Plan, ledger: Ledger) -> list[str]:
    """A line for each task and metric, for the terminal; none without folds."""
    if plan.folds is None:
        return []
    return [
        f"{found.title}, {found.task}: {found.metric} {found.summary.mean:.4f}{_deviation(found.summary)} "
        f"over {found.summary.count} runs"
        for found in over_folds(plan, ledger)
    ]


def fold_section(plan: Plan, ledger: Ledger) -> str:
    """The tables of all metrics as Markdown; empty without folds."""
    if plan.folds is None:
        return ""
    rows = over_folds(plan, ledger)
    parts = ["## All metrics by fold", ""]
    for title in dict.fromkeys(row.title for row in rows):
        parts += [f"### {markdown(title)}", "", *_table([row for row in rows if row.title == title], plan.folds), ""]
    return "\n".join(parts).strip()


def _of_arm(title: str, jobs: Sequence[Job], ledger: Ledger) -> Iterator[OverFolds]:
    runs = [(job.fold, ledger[job.key]) for job in jobs if job.fold is not None and job.key in ledger]
    names = dict.fromkeys((task, metric) for _, run in runs for task, of in run.tasks.items() for metric in of)
    for task, metric in names:
        scores = [(fold, value) for fold, run in runs if (value := _score(run, task, metric)) is not None]
        folds = {fold: [value for other, value in scores if other == fold] for fold, _ in scores}
        means = {fold: sum(values) / len(values) for fold, values in sorted(folds.items())}
        yield OverFolds(title, task, metric, summarize([value for _, value in scores]), means)


def _score(run: FinishedRun, task: str, metric: str) -> float | None:
    return run.tasks.get(task, {}).get(metric)


def _deviation(summary: Summary) -> str:
    return "" if summary.std is None else f", standard deviation {summary.std:.4f},"


def _table(rows: Sequence[OverFolds], folds: int) -> Iterator[str]:
    numbers = range(1, folds + 1)
    head = [*_HEAD, *(f"fold {number}" for number in numbers)]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        std = "" if row.summary.std is None else f"{row.summary.std:.4f}"
        cells = [markdown(row.task), markdown(row.metric), str(row.summary.count), f"{row.summary.mean:.4f}", std]
        values = [f"{row.of_folds[number]:.4f}" if number in row.of_folds else "" for number in numbers]
        yield "| " + " | ".join([*cells, *values]) + " |"
