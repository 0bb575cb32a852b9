"""RESULTS.md of a sweep: conclusions, tables, what is not more than chance, and how long it took."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from mtsmart.durable import write_text
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import Plan
from mtsmart.sweeps.plots import draw, plots_hint
from mtsmart.sweeps.tables import Comparison, Row, compare

_PLACE = re.compile(r"\{\{(.*?)\}\}")
_HEAD = ("seeds", "mean", "std", "SE", "to {}: difference, 95 % interval", "wins to losses", "p", "cost")


def write_page(plan: Plan, ledger: Ledger, folder: Path, told: Callable[[str], None]) -> None:
    """Write RESULTS.md and a plot a table into a sweep's folder.

    Raises:
        ConfigError: the conclusions name a figure that there is not.
        StorageError: something cannot be written.
    """
    comparisons = compare(plan, ledger)
    plots = {comparison.title: f"{_slug(comparison.title)}.svg" for comparison in comparisons}
    for comparison in comparisons:
        if not draw(comparison, folder / plots[comparison.title]):
            plots.pop(comparison.title)
    if len(plots) < len(comparisons):
        told(plots_hint())
    sections = [section(comparison, plots.get(comparison.title)) for comparison in comparisons]
    is_whole = all(job.key in ledger for job in plan.jobs)
    parts = [f"# {plan.name}", _introduction(plan), _conclusions(plan, comparisons, is_whole), *sections]
    text = "\n\n".join([part for part in [*parts, _not_clear(comparisons), _effort(plan, ledger)] if part])
    write_text(folder / "RESULTS.md", text + "\n")


def section(comparison: Comparison, plot: str | None) -> str:
    """One table as Markdown."""
    names = list(dict.fromkeys(name for row in comparison.rows for name in row.figures))
    head = [cell.format(comparison.baseline) for cell in _HEAD]
    if comparison.baseline is None:
        head = head[:4]
    scored = f" on {comparison.scored}" if comparison.scored else ""
    lines = [
        f"## {comparison.title}",
        "",
        f"{comparison.metric} of {comparison.task}{scored}, times 100.",
        "",
        "| arm | " + " | ".join([*head, *names]) + " |",
        "|" + "---|" * (len(head) + len(names) + 1),
        *(
            "| " + " | ".join([row.arm, *cells(row)[: len(head)], *(_figure(row.figures.get(n)) for n in names)]) + " |"
            for row in comparison.rows
        ),
    ]
    lines += ["", *comparison.notes] if comparison.notes else []
    lines += ["", f"![{comparison.title}]({plot})"] if plot else []
    return "\n".join(lines)


def cells(row: Row) -> list[str]:
    """A row's cells: seeds, mean, std, SE, difference with its interval, wins to losses, p, cost."""
    found = row.difference
    return [
        str(row.summary.count),
        _points(row.summary.mean),
        _points(row.summary.std),
        _points(row.summary.error),
        "" if found is None else _with_interval(row),
        "" if found is None else f"{found.wins} to {found.losses}",
        "" if found is None or found.p is None else f"{found.p:.3f}",
        "" if row.cost is None else f"{row.cost:.2f}",
    ]


def _with_interval(row: Row) -> str:
    assert row.difference is not None
    mean = f"{100 * row.difference.mean:+.2f}"
    mean = f"**{mean}**" if row.is_clear else mean
    return f"{mean}, {interval}" if (interval := _interval(row)) else mean


def _interval(row: Row) -> str:
    found = row.difference
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _introduction(plan: Plan) -> str:
    return (
        "Written by `mtsmart sweep` from runs.jsonl, which has a line for each run. Scores are those of the last "
        "evaluation, never of the best one. Arms of a table have the same data, batches and schedule for a seed, and "
        "differences are paired by seed. The interval is a bootstrap over seeds, widened for their small number; a "
        "difference in **bold** is more than chance: its interval leaves 0 out, and so does a paired t-test (p) after "
        "Holm's correction for the number of arms in the table. Both say how much another draw of seeds would change, "
        "not how much other validation rows would. Cost is seconds an update, times the baseline's, evaluations left "
        "out; several runs shared the machine, so it is rough. R is SMART's term, flips the share of predictions that "
        "its perturbation turns, delta/x the perturbation's length beside the embeddings', D MBPP's distance to the "
        "teacher, all at the last line that training wrote."
    )


def _conclusions(plan: Plan, comparisons: list[Comparison], is_whole: bool) -> str:
    """The text of the conclusions; a figure of a run that is not finished yet is "(to come)"."""
    if plan.conclusions is None:
        return ""
    try:
        text = plan.conclusions.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"cannot be read: {reason}", key="grid.conclusions", value=str(plan.conclusions)) from None
    known = _known_figures(comparisons)
    lines = []
    for number, line in enumerate(text.splitlines(), 1):

        def figure(match: re.Match[str], number: int = number) -> str:
            name = " / ".join(part.strip() for part in match[1].split(" / "))
            if name not in known and not is_whole:
                return "(to come)"
            if name not in known:
                hint = did_you_mean(name, known)
                raise ConfigError("there is no such figure", file=plan.conclusions, line=number, value=name, hint=hint)
            return known[name]

        lines.append(_PLACE.sub(figure, line))
    return "\n".join(lines).strip()


def _known_figures(comparisons: list[Comparison]) -> dict[str, str]:
    known: dict[str, str] = {}
    for comparison in comparisons:
        for row in comparison.rows:
            found = row.difference
            figures = {
                "mean": _points(row.summary.mean),
                "std": _points(row.summary.std),
                "difference": "" if found is None else f"{100 * found.mean:+.2f}",
                "interval": _interval(row),
                "p": "" if found is None or found.p is None else f"{found.p:.3f}",
                "cost": "" if row.cost is None else f"{row.cost:.2f}",
            }
            known |= {f"{comparison.title} / {row.arm} / {name}": value for name, value in figures.items()}
    return known


def _not_clear(comparisons: list[Comparison]) -> str:
    lines = []
    for comparison in comparisons:
        compared = [row for row in comparison.rows if row.difference is not None]
        chance = [row.arm for row in compared if not row.is_clear]
        if compared:
            rest = "no arm" if not chance else "every arm" if len(chance) == len(compared) else ", ".join(chance)
            lines.append(f"- {comparison.title}: {rest}")
    return "\n".join(["## Not more than chance", "", *lines]) if lines else ""


def _effort(plan: Plan, ledger: Ledger) -> str:
    runs = [ledger[job.key] for job in plan.jobs if job.key in ledger]
    versions = sorted({", ".join(f"{k} {v}" for k, v in run.versions.items()) for run in runs})
    machines = sorted({f"{run.machine}, {run.device}" for run in runs})
    hours = sum(run.seconds for run in runs) / 3600
    return (
        f"{len(runs)} of {len(plan.jobs)} runs are done; they took {hours:.1f} hours, added up. "
        f"{'; '.join(machines)}; {'; '.join(versions)}."
    )


def _slug(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", title).strip("-").lower() or "table"
