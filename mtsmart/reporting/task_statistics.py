"""What the data of a task is like, as text for the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mtsmart.preparation.statistics import SplitStatistics, TaskStatistics
from mtsmart.text.counts import counted

_WIDEST = 100  # characters of an example's column
_MOST_LABELS = 50


def statistics_text(statistics: TaskStatistics) -> str:
    """Lines on each split, a table of labels, and examples."""
    lines = [f"{statistics.name}: {statistics.task_type}"]
    for name, split in statistics.splits.items():
        lines += _split_lines(name, split, statistics)
    lines += _label_lines(statistics.splits)
    lines += _example_lines(statistics.examples)
    return "\n".join(lines)


def _split_lines(name: str, split: SplitStatistics, statistics: TaskStatistics) -> Iterator[str]:
    left_out = f", {split.left_out:,} of them are left out: a text or label is missing" if split.left_out else ""
    yield ""
    yield f"{name}: {counted(split.rows, 'row')}{left_out}"
    if (lengths := split.lengths) is not None:
        words = "words and punctuation marks" if statistics.unit == "words" else statistics.unit
        yield f"  {words} in a row: median {lengths.median:,}, 95 % {lengths.p95:,}, longest {lengths.longest:,}"
        # A word has at least one token, so the rows that are too long in words are too long in tokens.
        at_least = "at least " if statistics.unit == "words" else ""
        yield f"  longer than {statistics.max_length:,} tokens: {at_least}{counted(lengths.over, 'row')}"
        if lengths.over and statistics.of_long_rows:
            yield f"    {at_least}{lengths.over / split.rows:.0%} of all: {statistics.of_long_rows}"
    if split.numbers is not None:
        yield f"  labels: {split.numbers.least:g} to {split.numbers.most:g}, mean {split.numbers.mean:.3g}"
    for column, count in split.empty.items():
        yield f"  without text in '{column}': {counted(count, 'row')}"
    yield f"  repeated within the split: {counted(split.repeated, 'row')}"
    for other, count in split.shared.items():
        yield f"  also in {other}: {counted(count, 'row')}"


def _label_lines(splits: Mapping[str, SplitStatistics]) -> Iterator[str]:
    counts = {name: split.labels for name, split in splits.items() if split.labels is not None}
    if not counts:
        return
    labels = next(iter(counts.values()))
    width = max(len("label"), *map(len, labels))
    yield ""
    yield "  ".join(["label".ljust(width), *(f"{name:>16}" for name in counts)])
    for label in list(labels)[:_MOST_LABELS]:
        cells = (f"{_share(of_split, label):>16}" for of_split in counts.values())
        yield "  ".join([label.ljust(width), *cells])
    if len(labels) > _MOST_LABELS:
        yield f"... and {len(labels) - _MOST_LABELS:,} more"


def _share(counts: Mapping[str, int], label: str) -> str:
    total = sum(counts.values())
    return f"{counts[label]:,} ({counts[label] / total:.1%})" if total else "0"


def _example_lines(examples: Mapping[str, Any]) -> Iterator[str]:
    for label, rows in examples.items():
        yield ""
        yield f"examples of {label}:" if label else "examples:"
        for row in rows:
            columns = (f"{name}: {_shortened(value)}" for name, value in row.items())
            yield f"  - {' | '.join(columns)}"


def _shortened(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
