"""What is written of an affinity: JSON for programs, a page with tables, and heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtsmart.affinity.result import Affinity, Table
from mtsmart.metrics.statistics import Summary
from mtsmart.reporting.report.drawing import INSTALL, can_draw
from mtsmart.reporting.report.figures import Picture, save
from mtsmart.storage.durable import replacing
from mtsmart.text.escaping import cut, markdown
from mtsmart.text.json_text import json_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 24  # characters of a name in a picture
_PLOTS_HINT = f"heat maps need matplotlib, so they are left out: {INSTALL}"


def write(affinity: Affinity, folder: Path, targets: Sequence[str] = ()) -> list[str]:
    """Write affinity.json, affinity.md, affinity.svg and affinity.png.

    Args:
        affinity: what was measured.
        folder: it is made if it is not there. Files of these names are replaced.
        targets: the tasks that a start is looked for.

    Returns:
        what the user should know: why there are no pictures.

    Raises:
        StorageError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"json": json_text(affinity.to_json(targets), indent=2) + "\n", "md": page_of(affinity, targets)}
    for ending, text in texts.items():
        with replacing(folder / f"affinity.{ending}") as aside:
            aside.write_text(text, encoding="utf-8")
    if not can_draw():
        return [_PLOTS_HINT]
    picture = heat_map(affinity)
    save({folder / f"affinity.{form}": picture for form in ("svg", "png")})
    return []


def page_of(affinity: Affinity, targets: Sequence[str] = ()) -> str:
    """The tables as Markdown, which is also readable as text."""
    count = len(affinity.norms)
    cost = 1 + affinity.measuring_seconds / max(affinity.training_seconds, 1e-9)
    lines = [
        f"# Affinity of the tasks of {affinity.name}",
        "",
        f"{count} measurements in {affinity.updates:,} updates, one every {affinity.every:,}. With them, training took "
        f"{cost:.1f} times as long. Each number is a mean with its standard error over the measurements.",
        "",
        "## Look-ahead affinity",
        "",
        "How much a step on the row's task lowers the loss of the column's task, in thousandths of that loss.",
        "",
        *_table(affinity.look_ahead, 1000),
        "",
        "## Cosines of the gradients",
        "",
        *_table(affinity.cosines, 1),
        "",
        "## Norms of the gradients",
        "",
        "| task | norm |",
        "|---|---|",
        *(f"| {markdown(task)} | {_number(affinity.norm(task), 1)} |" for task in affinity.tasks),
        "",
        "## Suggested groups",
        "",
        *(f"- {', '.join(markdown(task) for task in group)}" for group in affinity.groups),
    ]
    for target in targets:
        lines += ["", f"## Starts for {markdown(target)}", "", *_starts(affinity, target)]
    return "\n".join(lines) + "\n"


def _table(table: Table, unit: int) -> Iterator[str]:
    names = [markdown(task) for task in table.tasks]
    yield f"| from \\ to | {' | '.join(names)} |"
    yield "|---|" + "---|" * len(names)
    for name, source in zip(names, table.tasks, strict=True):
        cells = [_number(table.cell(source, target), unit) for target in table.tasks]
        yield f"| {name} | {' | '.join(cells)} |"


def _starts(affinity: Affinity, target: str) -> Iterator[str]:
    """The other tasks in the order of their affinity onto a task, with the cosine beside it."""
    yield "| task | look-ahead, thousandths | cosine |"
    yield "|---|---|---|"
    for task, summary in affinity.starts(target).items():
        cosine = _number(affinity.cosines.cell(task, target), 1)
        yield f"| {markdown(task)} | {_number(summary, 1000)} | {cosine} |"


def _number(summary: Summary, unit: int) -> str:
    error = "" if summary.error is None else f" ± {unit * summary.error:.2f}"
    return f"{unit * summary.mean:.2f}{error}"


def heat_map(affinity: Affinity) -> Picture:
    """The look-ahead affinity of each pair: blue where a step helps, red where it harms."""
    means = 1000 * affinity.look_ahead.means
    names = [cut(task, _LONGEST) for task in affinity.tasks]
    size = 2.6 + 0.45 * len(names)

    def draw(axes: Axes) -> None:
        others = means[~np.eye(len(names), dtype=bool)]
        limit = max(float(np.abs(others).max()), 1e-9)
        axes.imshow(means, cmap="RdBu", vmin=-limit, vmax=limit)
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("loss of")
        axes.set_ylabel("step on")
        axes.grid(visible=False)
        for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            text.set_parse_math(False)
        for (row, column), value in np.ndenumerate(means):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, fontsize=8)

    return Picture("affinity", "look-ahead, thousandths", draw, (size + 0.8, size))
