"""Tables in HTML for notebooks. All text in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from mtsmart.text.escaping import one_line
from mtsmart.text.scores import score_text


def html_text(text: str) -> str:
    """A text inside an element of HTML, which shows each of its characters."""
    return escape(one_line(text))


def html_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a title above it; the cells are plain texts."""
    head = "".join(f"<th>{html_text(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<div><b>{html_text(title)}</b><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def html_scores(
    title: str,
    scores: Mapping[str, Mapping[str, float | None]],
    baselines: Mapping[str, Mapping[str, float | None]],
) -> str:
    """A table of scores.

    Args:
        title: stands above the table.
        scores: task -> metric -> value.
        baselines: task -> metric -> score of the best constant prediction; empty if it is not known.
    """
    header = ["task", "metric", "score", *(["baseline"] if baselines else [])]
    rows = []
    for task, metrics in scores.items():
        for metric, value in metrics.items():
            known = baselines.get(task, {})
            baseline = [score_text(known[metric]) if metric in known else ""] if baselines else []
            rows.append([task, metric, score_text(value), *baseline])
    return html_table(title, header, rows)


def _cell(text: str) -> str:
    return f'<td style="text-align:left">{html_text(text)}</td>'
