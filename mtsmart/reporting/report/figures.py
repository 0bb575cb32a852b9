"""Pictures of a report: curves, reliability diagrams, confusion matrices, as parts of a page or as files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtsmart.evaluation.details.parts import Calibration
from mtsmart.metrics.calibration import Bin
from mtsmart.reporting.report.drawing import plain_matplotlib
from mtsmart.runs.journal import Points
from mtsmart.storage.durable import replacing
from mtsmart.task_types.details.interface import Confusion
from mtsmart.text.escaping import cut, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#3b82f6", "#ea8a0a", "#10a37f", "#d946a6", "#8b5cf6", "#0ea5c6", "#c2a000", "#ef4444")
"""Of the lines, in their order. They can be told apart on a white and on a dark ground."""

_INK = "#1b1c1d"
_GRID = "#d1d2d3"
_ON_PAGE = {_INK: "currentColor", _GRID: "var(--line)"}  # The page knows whether it is dark.
_SETTINGS: Any = {
    "svg.hashsalt": "mtsmart",
    "svg.fonttype": "none",
    "text.parse_math": False,  # Dollar signs of a name are no formula.
    "font.size": 8,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "axes.titlesize": 9,
    "axes.titlecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
    "grid.linewidth": 0.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 7,
}
_SIZE = (3.6, 2.3)  # inches
_LEGEND_COLUMNS = 2
_LEGEND_ROW = 0.17  # inches
_MOST_POINTS = 400  # of a line; more cannot be seen
_LONGEST = 24  # characters of a name
_MOST_LABELS = 40  # of a confusion matrix
_NUMBERS_UP_TO = 12  # labels of a matrix whose cells show their numbers


@dataclass(frozen=True)
class Picture:
    """A picture that is drawn when it is needed.

    Attributes:
        name: its file's name, without the ending.
        title: what it shows, in words.
        draw: fills the axes of an empty picture.
        size: width and height in inches, without the legend.
        legend: how many entries the legend below the picture has.
    """

    name: str
    title: str
    draw: Callable[[Axes], None]
    size: tuple[float, float] = _SIZE
    legend: int = 0


def as_svg(pictures: Iterable[Picture]) -> list[str]:
    """Each picture as an element of an HTML page, in the colours of the page."""
    with _settings():
        return [_element(_figure(picture)) for picture in pictures]


def save(pictures: Mapping[Path, Picture]) -> None:
    """Write pictures on a white ground, each in the format of its file's ending.

    Raises:
        StorageError: one cannot be written.
    """
    with _settings():
        for file, picture in pictures.items():
            form = file.suffix.removeprefix(".")
            metadata = {"Date": None} if form == "svg" else {}
            with replacing(file) as aside:
                _figure(picture).savefig(aside, format=form, dpi=200, facecolor="white", metadata=metadata)


def _settings() -> AbstractContextManager[None]:
    from cycler import cycler

    return plain_matplotlib({**_SETTINGS, "axes.prop_cycle": cycler(color=COLOURS)})


def _figure(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    width, height = picture.size
    below = _LEGEND_ROW * -(-picture.legend // _LEGEND_COLUMNS)
    figure = Figure(figsize=(width, height + below))
    bottom = (0.17 * height + below) / (height + below)
    top = 1 - 0.12 * height / (height + below)
    figure.subplots_adjust(left=0.19, right=0.97, top=top, bottom=bottom)
    axes = figure.subplots()
    picture.draw(axes)
    axes.set_title(_short(picture.title), loc="left")
    if picture.legend:  # Inside the axes it would cover points.
        figure.legend(loc="lower center", ncols=_LEGEND_COLUMNS, borderaxespad=0.2)
    return figure


def _element(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # Names of two pictures on one page would be the same.
    text = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", text, count=1)
    text = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", text, count=1)
    for colour, word in _ON_PAGE.items():
        text = text.replace(colour, word)
    return text


def curves(
    name: str,
    title: str,
    lines: Mapping[str, Points],
    marked: int | None = None,
    colours: Mapping[str, str] | None = None,
) -> Picture:
    """Lines over updates.

    Args:
        name: of the picture's file.
        title: stands above it.
        lines: what a line shows -> its points.
        marked: an update that gets a vertical line; None: none gets one.
        colours: what a line shows -> its colour, if it has one in all pictures of a page. The legend then names also a
            line that is alone.
    """

    def draw(axes: Axes) -> None:
        for label, points in lines.items():
            thin = _thinned(points)
            mark = "o" if len(thin) == 1 else ""
            updates, values = zip(*thin, strict=True)
            colour = None if colours is None else colours[label]
            axes.plot(updates, values, label=_short(label), color=colour, linewidth=1.4, marker=mark, markersize=3)
        if marked is not None:
            axes.axvline(marked, color=_INK, linewidth=0.7, linestyle=":")
        has_dot = any(len(points) == 1 for points in lines.values())
        axes.set_xlabel("updates (a dot: the only value)" if has_dot else "updates")
        axes.locator_params(axis="x", nbins=4, integer=True)
        axes.locator_params(axis="y", nbins=4)
        # Matplotlib's own formatters may write a common factor above the axis, where it pushes the title out.
        axes.xaxis.set_major_formatter(lambda value, place: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, place: _number(value))

    is_named = len(lines) > 1 or colours is not None
    return Picture(name, title, draw, legend=len(lines) if is_named else 0)


def reliability_diagram(name: str, calibration: Calibration) -> Picture:
    """How often events happen, over how likely they are, before and after the temperature.

    A bin is a dot whose area grows with its rows. Bins are not joined: one of few rows would bend the line.
    """
    sides: dict[str, Sequence[Bin]] = {"as trained": calibration.bins}
    if calibration.changes_nothing:
        sides = {f"temperature {calibration.temperature:.2f}: nothing to gain": calibration.bins}
    else:
        sides[f"temperature {calibration.temperature:.2f}"] = calibration.calibrated_bins

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.7, linestyle=":")
        for label, bins in sides.items():
            most = max(each.count for each in bins)
            areas = [6 + 80 * each.count / most for each in bins]
            places = [each.probability for each in bins]
            axes.scatter(places, [each.share for each in bins], s=areas, alpha=0.7, linewidths=0, label=label)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.04, 1.04)
        axes.set_xlabel("predicted probability (larger dots: more rows)")

    return Picture(name, "observed rate", draw, legend=len(sides))


def confusion_matrix(name: str, title: str, confusion: Confusion) -> Picture:
    """Shares of each gold label's rows, by predicted label; the first labels if there are many."""
    labels = [_short(label) for label in confusion.labels[:_MOST_LABELS]]
    counts = confusion.counts[:_MOST_LABELS, :_MOST_LABELS]
    side = 2.6 + 0.22 * len(labels)

    def draw(axes: Axes) -> None:
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axes.grid(visible=False)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        places = range(len(labels))
        axes.set_xticks(places, labels, rotation=45, ha="right")
        axes.set_yticks(places, labels)
        axes.set_xlabel("predicted")
        axes.set_ylabel("gold")
        for gold in places if len(labels) <= _NUMBERS_UP_TO else ():
            for found in places:
                colour = "white" if shares[gold, found] > 0.5 else _INK
                axes.text(found, gold, f"{counts[gold, found]:,}", ha="center", va="center", color=colour)
        axes.figure.subplots_adjust(left=0.3, bottom=0.3)

    return Picture(name, title, draw, (side, side))


def _thinned(points: Points) -> Points:
    """At most so many points as can be seen, the last one among them."""
    step = -(-len(points) // _MOST_POINTS)
    return points[::step] if (len(points) - 1) % step == 0 else [*points[::step], points[-1]]


def _short(text: str) -> str:
    return cut(one_line(text), _LONGEST)


def _number(value: float) -> str:
    """A number beside an axis: ``0.25``, ``2.5e-5``."""
    digits, exponent, power = f"{value:g}".partition("e")
    return f"{digits}e{int(power)}" if exponent else digits
