"""Writes RESULTS.md of a sweep: conclusions, tables, differences that are not significant, and the time spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.metrics import METRICS
from mtsmart.metrics.scores import is_better_lower
from mtsmart.reporting.report.drawing import INSTALL, can_draw
from mtsmart.reporting.report.units import duration
from mtsmart.storage.durable import write_text
from mtsmart.storage.owned import OwnedFolder
from mtsmart.sweeps.conclusions import conclusions
from mtsmart.sweeps.folds import fold_section
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.plan import Plan
from mtsmart.sweeps.plots import draw
from mtsmart.sweeps.tables import CHURN, Comparison, Row, compare
from mtsmart.text.escaping import markdown
from mtsmart.text.names import file_stem, told_apart

PAGE = "RESULTS.md"
BEST = "best.yaml"
"""The experiment with the best settings of a search, whose page has ``BEST_COMMAND``."""

BEST_COMMAND = f"`mtsmart train {BEST}`"
SIGN = "Written by `mtsmart sweep`"
_PLOTS_HINT = f"plots need matplotlib, so they are left out: {INSTALL}"
_HEAD = ("mean", "std", "SE", "to {}: difference, 95 % interval", "wins to losses", "p", "cost")

_INTRODUCTION = (
    f"{SIGN} from runs.jsonl, which has a line for each run. Scores are those of the last evaluation, not of the "
    "best one."
)
_FOLDS = (
    "Each run trains on all but one of {} parts of the training rows (folds) and is scored on that part. Two runs "
    "share most of their training rows, so their scores are not independent: intervals and p are smaller than those of "
    "new data would be."
)
_OTHERS = (
    "A second table compares the other figures of the same runs in the same way; Holm's correction is for the number "
    "of arms, not for that of the figures. The list of what is not significant is about the first tables."
)
_CHURN = "Churn is the share of the rows on which two seeds disagree, as the mean over all pairs of seeds."
_COMPARED = (
    "For each seed, the arms of a table have the same data, batches and schedule, unless an arm changes "
    "them. Differences are paired by seed. The interval is a bootstrap over seeds, widened because there are few "
    "of them; fewer than five seeds have no interval. p is that of a paired t-test. A difference in **bold** is "
    "significant: all its runs are finished, its interval does not contain 0, and p is below 0.05 after Holm's "
    "correction for the number of arms in the table (not for the number of tables). Interval and p say how much "
    "other seeds would change the difference. They do not say how much other training or validation rows would "
    "change it. The bars of a plot are intervals of each arm's own mean; they may overlap although the paired "
    "difference is significant. Cost is the time of an update, divided by that of the baseline on the same kind "
    "of machine. It leaves evaluations out; on a CPU it is processor time. It is approximate, because runs that "
    "share a machine slow one another."
)


def write_page(plan: Plan, ledger: Ledger, owned: OwnedFolder, notify: Callable[[str], None]) -> None:
    """Write RESULTS.md and one plot for each table into a sweep's folder.

    Args:
        plan: the runs and tables of the sweep.
        ledger: the finished runs.
        owned: the sweep's folder.
        notify: this function gets a text for the user if matplotlib is missing.

    Raises:
        ConfigError: the conclusions cannot be read.
        StorageError: a file cannot be written, or a file of others has its name.
    """
    comparisons = compare(plan, ledger)
    plots = _file_names(comparison.title for comparison in comparisons)
    owned.check([PAGE, *plots])
    drawn = [_drawn(comparison, owned, plot) for comparison, plot in zip(comparisons, plots, strict=True)]
    if not all(drawn):
        notify(_PLOTS_HINT)
    sections = [
        section(comparison, plot if is_drawn else None, "seeds" if plan.folds is None else "runs")
        for comparison, plot, is_drawn in zip(comparisons, plots, drawn, strict=True)
    ]
    text = conclusions(plan, _named_figures(comparisons))
    introduction = " ".join([*_introduction(plan, comparisons), *_about_others(comparisons), *_legend(comparisons)])
    parts = [f"# {markdown(plan.name)}", introduction, text, *sections, fold_section(plan, ledger)]
    finished = [ledger[job.key] for job in plan.jobs if job.key in ledger]
    parts += [_not_significant(comparisons), effort(finished, len(plan.jobs))]
    text = "\n\n".join(part for part in parts if part)
    owned.claim(PAGE)
    write_text(owned.path / PAGE, text + "\n", owned.scratch)


def _drawn(comparison: Comparison, owned: OwnedFolder, plot: str) -> bool:
    if can_draw():
        owned.claim(plot)
        draw(comparison, owned.path / plot, owned.scratch)
    return can_draw()


def _introduction(plan: Plan, comparisons: Iterable[Comparison]) -> list[str]:
    """How the figures were made; how arms are compared is left out where there is only one arm."""
    folds = [] if plan.folds is None else [_FOLDS.format(plan.folds)]
    is_compared = plan.folds is None or any(len(comparison.rows) > 1 for comparison in comparisons)
    return [_INTRODUCTION, *folds, *([_COMPARED] if is_compared else [])]


def _about_others(comparisons: Iterable[Comparison]) -> list[str]:
    """Sentences on the tables of other figures; none if no table has one."""
    names = list(dict.fromkeys(name for comparison in comparisons for name in comparison.others))
    lower = [name for name in names if name == CHURN or (name in METRICS and is_better_lower(METRICS[name]))]
    parts = [_OTHERS] if names else []
    parts += [f"Lower is better for {markdown(', '.join(lower))}."] if lower else []
    parts += [_CHURN] if CHURN in names else []
    return parts


def _legend(comparisons: Iterable[Comparison]) -> list[str]:
    """A sentence that explains the regularisers' figures in the tables."""
    shown = {name for comparison in comparisons for row in comparison.rows for name in row.figures}
    legends = [figure.legend for figure in REGULARIZERS.figures() if figure.name in shown]
    return [f"In the last line that training wrote: {'; '.join(legends)}."] if legends else []


def is_page(file: Path) -> bool:
    """Whether a sweep wrote the file."""
    with file.open(encoding="utf-8", errors="replace") as stream:
        return SIGN in stream.read(1_000)


def section(comparison: Comparison, plot: str | None, counted: str = "seeds") -> str:
    """One table as Markdown. ``counted`` is the title of the column with the number of runs."""
    names = list(dict.fromkeys(name for row in comparison.rows for name in row.figures))
    head = [counted, *(cell.format(markdown(comparison.baseline or "")) for cell in _HEAD)]
    if comparison.baseline is None:
        head = head[:4]
    scored = f" on {comparison.scored}" if comparison.scored else ""
    subject = f"{comparison.metric} of {comparison.task}{scored}, times 100."
    lines = [
        f"## {markdown(comparison.title)}",
        "",
        markdown(subject),
        "",
        "| arm | " + " | ".join([*head, *map(markdown, names)]) + " |",
        "|" + "---|" * (len(head) + len(names) + 1),
        *(
            "| "
            + " | ".join([markdown(row.arm), *cells(row)[: len(head)], *(_figure(row.figures.get(n)) for n in names)])
            + " |"
            for row in comparison.rows
        ),
    ]
    lines += _others(comparison)
    lines += ["", *(f"- {markdown(note)}" for note in comparison.notes)] if comparison.notes else []
    lines += ["", f"![{markdown(comparison.title)}]({plot})"] if plot else []
    return "\n".join(lines)


def _others(comparison: Comparison) -> list[str]:
    """A table of what was measured beside the main metric: mean and difference of each."""
    if not comparison.others:
        return []
    arms = [row.arm for row in comparison.rows]
    columns = [["arm", *map(markdown, arms)]]
    for name, rows in comparison.others.items():
        of_arms = {row.arm: row for row in rows}
        columns.append([markdown(name), *(figures(of_arms[arm])["mean"] if arm in of_arms else "" for arm in arms)])
        if comparison.baseline is not None:
            differences = [_difference(of_arms[arm]) if arm in of_arms else "" for arm in arms]
            columns.append([markdown(f"{name} to {comparison.baseline}"), *differences])
    head, *body = ["| " + " | ".join(line) + " |" for line in zip(*columns, strict=True)]
    return ["", "Other figures of the same runs, times 100.", "", head, "|" + "---|" * len(columns), *body]


def cells(row: Row) -> list[str]:
    """The cells of a row: seeds, mean, std, SE, difference with its interval, wins to losses, p, cost."""
    found = figures(row)
    return [
        *(found[name] for name in ("seeds", "mean", "std", "SE")),
        _difference(row),
        f"{found['wins']} to {found['losses']}" if found["wins"] else "",
        found["p"],
        found["cost"],
    ]


def _difference(row: Row) -> str:
    """The difference with its interval."""
    found = figures(row)
    difference = f"**{found['difference']}**" if row.is_significant else found["difference"]
    return ", ".join(part for part in (difference, found["interval"]) if part)


def figures(row: Row) -> dict[str, str]:
    """The figures of a row as the page shows them. A figure that the row lacks is an empty text."""
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
        "p": _p_value(row),
        "cost": "" if row.cost is None else f"{row.cost:.1f}",
    }


def _interval(row: Row) -> str:
    found = row.difference
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"


def _p_value(row: Row) -> str:
    if row.difference is None or row.difference.p is None:
        return ""
    p = row.difference.p
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _points(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _named_figures(comparisons: list[Comparison]) -> dict[str, str]:
    """The figures by the names that the conclusions use: those of the main metric have no metric in their name."""
    named: dict[str, str] = {}
    for comparison in comparisons:
        rows = {f"{comparison.title} / {row.arm}": row for row in comparison.rows}
        for metric, others in comparison.others.items():
            rows |= {f"{comparison.title} / {row.arm} / {metric}": row for row in others}
        for name, row in rows.items():
            named |= {f"{name} / {figure}": value for figure, value in figures(row).items()}
    return named


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
            lines.append(f"- {markdown(comparison.title)}: {'. '.join(parts)}")
    return "\n".join(["## Not significant", "", *lines]) if lines else ""


def _named(rows: list[Row], compared: list[Row]) -> str:
    if rows == compared:
        return "every arm"
    # Names of arms may contain commas, so semicolons separate them.
    return "; ".join(markdown(row.arm) for row in rows)


def effort(runs: Sequence[FinishedRun], planned: int) -> str:
    """How many runs are finished, what they took, and where.

    Args:
        runs: the finished ones.
        planned: how many there will be.
    """
    versions = sorted({", ".join(f"{k} {v}" for k, v in run.versions.items()) for run in runs})
    machines = sorted({f"{run.machine}, {run.device}" for run in runs})
    took = duration(sum(run.seconds for run in runs))
    finished = "run is" if planned == 1 else "runs are"
    return (
        f"{len(runs)} of {planned} {finished} finished; together they took {took}. "
        f"{markdown('; '.join(machines))}; {markdown('; '.join(versions))}."
    )


def _file_names(titles: Iterable[str]) -> list[str]:
    """The file name of each title's plot. All names are different."""
    return [f"{name}.svg" for name in told_apart(file_stem(title, "table") for title in titles)]
