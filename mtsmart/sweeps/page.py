"""RESULTS.md of a sweep: conclusions, tables, what is not significant, and how long it took."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mtsmart.config.methods import REGULARIZERS
from mtsmart.durable import write_text
from mtsmart.sweeps.conclusions import conclusions
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import Plan
from mtsmart.sweeps.plots import draw, plots_hint
from mtsmart.sweeps.tables import Comparison, Row, compare

PAGE = "RESULTS.md"
_SIGN = "Written by `mtsmart sweep`"
_MARKUP = re.compile(r"([\\|*`<>\[\]~&$]|(?<![^\W_])_|_(?![^\W_]))")  # within a word, _ is no markup
_HEAD = ("seeds", "mean", "std", "SE", "to {}: difference, 95 % interval", "wins to losses", "p", "cost")

_INTRODUCTION = (
    f"{_SIGN} from runs.jsonl, which has a line for each run. Scores are those of the last "
    "evaluation, never of the best one. Arms of a table have the same data, batches and schedule for a seed, "
    "unless they change them, and differences are paired by seed. The interval is a bootstrap over seeds, widened "
    "for their small number; fewer than five seeds have none. p is a paired t-test's. A difference in **bold** is "
    "significant: all its runs are there, its interval leaves 0 out, and p stays below 0.05 after Holm's "
    "correction for the number of arms in the table (not for the number of tables). Both say how much another "
    "draw of seeds would change, not how much other training or validation rows would. A plot's bars are intervals of "
    "each arm's own mean, which may overlap where the paired difference is significant. Cost is seconds an update, "
    "times the baseline's on the same kind of machine, evaluations left out (on a CPU of the processor's time; runs "
    "that share a machine still slow one another, so it is rough)."
)


def write_page(plan: Plan, ledger: Ledger, folder: Path, told: Callable[[str], None]) -> None:
    """Write RESULTS.md and a plot a table into a sweep's folder.

    Raises:
        ConfigError: the conclusions cannot be read.
        StorageError: something cannot be written.
    """
    comparisons = compare(plan, ledger)
    plots = _file_names(comparison.title for comparison in comparisons)
    drawn = [draw(comparison, folder / plot) for comparison, plot in zip(comparisons, plots, strict=True)]
    if not all(drawn):
        told(plots_hint())
    sections = [
        section(comparison, plot if is_drawn else None)
        for comparison, plot, is_drawn in zip(comparisons, plots, drawn, strict=True)
    ]
    text = conclusions(plan, _named_figures(comparisons))
    introduction = " ".join([_INTRODUCTION, *_legend(comparisons)])
    parts = [f"# {_escaped(plan.name)}", introduction, text, *sections]
    text = "\n\n".join([part for part in [*parts, _not_significant(comparisons), _effort(plan, ledger)] if part])
    write_text(folder / PAGE, text + "\n")


def _legend(comparisons: Iterable[Comparison]) -> list[str]:
    """What the regularisers' figures in the tables mean."""
    shown = {name for comparison in comparisons for row in comparison.rows for name in row.figures}
    legends = [figure.legend for figure in REGULARIZERS.figures() if figure.name in shown]
    return [f"At the last line that training wrote: {'; '.join(legends)}."] if legends else []


def is_page(file: Path) -> bool:
    """Whether a sweep wrote it."""
    with file.open(encoding="utf-8", errors="replace") as stream:
        return _SIGN in stream.read(1_000)


def section(comparison: Comparison, plot: str | None) -> str:
    """One table as Markdown."""
    names = list(dict.fromkeys(name for row in comparison.rows for name in row.figures))
    head = [cell.format(_escaped(comparison.baseline or "")) for cell in _HEAD]
    if comparison.baseline is None:
        head = head[:4]
    scored = f" on {comparison.scored}" if comparison.scored else ""
    lines = [
        f"## {_escaped(comparison.title)}",
        "",
        f"{comparison.metric} of {comparison.task}{scored}, times 100.",
        "",
        "| arm | " + " | ".join([*head, *names]) + " |",
        "|" + "---|" * (len(head) + len(names) + 1),
        *(
            "| "
            + " | ".join([_escaped(row.arm), *cells(row)[: len(head)], *(_figure(row.figures.get(n)) for n in names)])
            + " |"
            for row in comparison.rows
        ),
    ]
    lines += ["", *(f"- {_escaped(note)}" for note in comparison.notes)] if comparison.notes else []
    lines += ["", f"![{_escaped(comparison.title)}]({plot})"] if plot else []
    return "\n".join(lines)


def cells(row: Row) -> list[str]:
    """A row's cells: seeds, mean, std, SE, difference with its interval, wins to losses, p, cost."""
    found = figures(row)
    difference = f"**{found['difference']}**" if row.is_significant else found["difference"]
    return [
        *(found[name] for name in ("seeds", "mean", "std", "SE")),
        ", ".join(part for part in (difference, found["interval"]) if part),
        f"{found['wins']} to {found['losses']}" if found["wins"] else "",
        found["p"],
        found["cost"],
    ]


def figures(row: Row) -> dict[str, str]:
    """Each of a row's figures as the page shows it; empty where there is none."""
    found = row.difference
    return {
        "seeds": str(row.summary.count),
        "mean": _points(row.summary.mean),
        "std": _points(row.summary.std),
        "SE": _points(row.summary.error),
        "difference": "" if found is None else f"{100 * found.mean:+.2f}",
        "interval": _interval(row),
        "wins": "" if found is None else str(found.wins),
        "losses": "" if found is None else str(found.losses),
        "p": "" if found is None or found.p is None else f"{found.p:.3f}" if found.p >= 0.001 else "< 0.001",
        "cost": "" if row.cost is None else f"{row.cost:.1f}",
    }


def _interval(row: Row) -> str:
    found = row.difference
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _named_figures(comparisons: list[Comparison]) -> dict[str, str]:
    """As conclusions name them."""
    return {
        f"{comparison.title} / {row.arm} / {name}": figure
        for comparison in comparisons
        for row in comparison.rows
        for name, figure in figures(row).items()
    }


def _not_significant(comparisons: list[Comparison]) -> str:
    lines = []
    for comparison in comparisons:
        compared = [row for row in comparison.rows if row.difference is not None]
        open_rows = [row for row in compared if not row.is_finished]
        few = [row for row in compared if not _interval(row) and row not in open_rows]
        others = [row for row in compared if not row.is_significant and row not in [*few, *open_rows]]
        parts = [_named(others, compared)] if others else []
        parts += [f"too few seeds to say: {_named(few, compared)}"] if few else []
        parts += [f"not finished: {_named(open_rows, compared)}"] if open_rows else []
        if parts:
            lines.append(f"- {_escaped(comparison.title)}: {'. '.join(parts)}")
    return "\n".join(["## Not significant", "", *lines]) if lines else ""


def _named(rows: list[Row], compared: list[Row]) -> str:
    return "every arm" if rows == compared else "; ".join(_escaped(row.arm) for row in rows)  # names hold commas


def _effort(plan: Plan, ledger: Ledger) -> str:
    runs = [ledger[job.key] for job in plan.jobs if job.key in ledger]
    versions = sorted({", ".join(f"{k} {v}" for k, v in run.versions.items()) for run in runs})
    machines = sorted({f"{run.machine}, {run.device}" for run in runs})
    hours = sum(run.seconds for run in runs) / 3600
    return (
        f"{len(runs)} of {len(plan.jobs)} runs are done; they took {hours:.1f} hours, added up. "
        f"{'; '.join(machines)}; {'; '.join(versions)}."
    )


def _file_names(titles: Iterable[str]) -> list[str]:
    """A name for each title's plot, none of them twice."""
    names: list[str] = []
    for title in titles:
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", title).strip("-").lower() or "table"
        number = sum(name == f"{stem}.svg" or name.startswith(f"{stem}~") for name in names)
        names.append(f"{stem}~{number + 1}.svg" if number else f"{stem}.svg")
    return names


def _escaped(name: str) -> str:
    """A name as Markdown shows it letter by letter."""
    return _MARKUP.sub(r"\\\1", name)
