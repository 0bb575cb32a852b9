"""Notes below a table. They name missing runs, and differences between the runs that do not come from the arms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.plan import Job, Replicate, Table

Runs = Mapping[str, Mapping[Replicate, FinishedRun]]


def notes(table: Table, runs: Runs, task: str, ledger: Ledger) -> list[str]:
    """Sentences about one task of a table.

    Args:
        table: the planned arms and seeds.
        runs: arm -> seed and fold -> the finished run.
        task: the task on which the arms are compared.
        ledger: all finished runs.
    """
    return [
        *_missing(table, ledger),
        *_same(table),
        *_metrics(runs, task),
        *_tasks(table, task),
        *_rows(runs, task, "validation", "scored"),
        *_rows(runs, task, "train", "trained"),
        *_updates(runs),
        *_machines(runs),
        *_precisions(runs),
    ]


def _missing(table: Table, ledger: Ledger) -> Iterator[str]:
    parts = []
    for arm, jobs in table.arms.items():
        left = [job for job in jobs if job.key not in ledger]
        if left:
            parts.append(arm if len(left) == len(jobs) else f"{arm} ({_named(left)})")
    if parts:
        averaged = "Means are over the finished runs, differences over the seeds that both arms have finished."
        yield f"Not finished yet: {'; '.join(parts)}. {averaged}"


def _named(jobs: Iterable[Job]) -> str:
    """The seeds of some jobs; with folds the fold and the seed of each."""
    folds = [f"fold {job.fold} of seed {job.seed}" for job in jobs if job.fold is not None]
    return ", ".join(folds) if folds else f"seeds {', '.join(str(job.seed) for job in jobs)}"


def _same(table: Table) -> Iterator[str]:
    arms: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for arm, jobs in table.arms.items():
        arms.setdefault(tuple(job.key for job in jobs), []).append(arm)
    for same in arms.values():
        if len(same) > 1:
            yield f"These arms have one configuration, which was trained once: {' = '.join(same)}."


def _metrics(runs: Runs, task: str) -> Iterator[str]:
    metrics = {arm: next(iter(found.values())).main(task)[0] for arm, found in runs.items() if found}
    first = next(iter(metrics.values()), None)
    for arm, metric in metrics.items():
        if metric != first:
            yield f"{arm} is left out, because its metric is {metric}."


def _tasks(table: Table, task: str) -> Iterator[str]:
    arms: dict[frozenset[str], list[str]] = {}
    for arm, jobs in table.arms.items():
        names = frozenset(name for job in jobs for name in job.tasks)
        if task in names:
            arms.setdefault(names, []).append(arm)
    if len(arms) > 1:
        parts = [f"{', '.join(sorted(tasks))} ({'; '.join(found)})" for tasks, found in arms.items()]
        yield f"The arms were trained on different tasks: {' / '.join(parts)}."


def _rows(runs: Runs, task: str, split: str, verb: str) -> Iterator[str]:
    def of(run: FinishedRun) -> str | None:
        return run.rows.get(task, {}).get(split)

    folds = {fold for found in runs.values() for _, fold in found}
    arms = [[{of(run) for (_, fold), run in found.items() if fold == one} for found in runs.values()] for one in folds]
    if any(len(found) > 1 for of_fold in arms for found in of_fold):
        reason = "the data has changed between them" + (", or 'shots' draws others for each seed" * (split == "train"))
        yield f"These runs were not all {verb} on the same rows, because {reason}."
    elif any(len(set().union(*of_fold)) > 1 for of_fold in arms):
        yield f"The arms were not {verb} on the same rows."


def _updates(runs: Runs) -> Iterator[str]:
    if len({run.updates for run in _all(runs)}) > 1:
        yield "The arms differ in their number of updates."


def _machines(runs: Runs) -> Iterator[str]:
    kinds = {(run.machine, run.device, *sorted(run.versions.items())) for run in _all(runs)}
    if len(kinds) > 1:
        yield "Not all runs come from the same versions and kind of machine (the last line of this page)."


def _precisions(runs: Runs) -> Iterator[str]:
    found = sorted({run.precision for run in _all(runs) if run.precision is not None})
    if len(found) > 1:
        yield f"Not all runs have the same precision, which was chosen for them: {' and '.join(found)}."


def _all(runs: Runs) -> Iterable[FinishedRun]:
    return (run for found in runs.values() for run in found.values())
