"""Ask runs of the quickstart about everyday sentences, which are none of its generators' material.

    python -m benchmarks.everyday [RUN ...]

Prints the share of right answers for each task, list of sentences and run, the sentences that were answered wrongly,
and the share of all lists. Without a run, it reads runs/quickstart. The sentences are in benchmarks/everyday.jsonl: the
first list was there while the generators were written, and the second one was written after the remarks of
quick_attitude. The pairs in tasks/quickstart/twins.py and slots.py are younger than both. The third list was written by
somebody who had seen neither the generators nor the other lists.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mtsmart
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.quiet import quiet_libraries

SENTENCES = Path(__file__).with_suffix(".jsonl")
LISTS = ("first", "second", "third")
NEEDED = {"quick_attitude": 0.9, "quick_paraphrase": 0.75, "quick_entail": 0.75}
"""Task -> the share of right answers that the quickstart promises."""

Row = dict[str, str]


def rows_of(task: str, source: str) -> list[Row]:
    """The everyday rows of a task in one of the lists, with their labels."""
    rows = [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if (row["task"], row["list"]) == (task, source)]


def wrong_rows(model: LoadedRun, task: str, rows: list[Row]) -> list[tuple[Row, str]]:
    """The rows that a run answers wrongly, each with its answer."""
    asked = [texts_of(row) for row in rows]
    answers = [answer["prediction"] for answer in model.predict(task, asked)]
    return [(row, answer) for row, answer in zip(rows, answers, strict=True) if answer != row["label"]]


def texts_of(row: Row) -> Row:
    """The columns that the task reads."""
    return {name: value for name, value in row.items() if name not in ("list", "task", "label")}


def share(rows: list[Row], wrong: list[tuple[Row, str]]) -> float:
    """The share of the rows that are answered rightly."""
    return 1 - len(wrong) / len(rows)


def main() -> None:
    """Print the shares and the wrong answers of each run."""
    quiet_libraries()
    for run in sys.argv[1:] or ["runs/quickstart"]:
        model = mtsmart.load(run)
        for task, needed in NEEDED.items():
            lists = {source: rows_of(task, source) for source in LISTS}
            wrong = {source: wrong_rows(model, task, rows) for source, rows in lists.items()}
            for source, rows in lists.items():
                print(f"{run} {task}, {source} list of {len(rows)}: {share(rows, wrong[source]):.0%} right")
                for row, answer in wrong[source]:
                    print(f"  {answer} for {row['label']}: {' | '.join(texts_of(row).values())}")
            asked = [row for rows in lists.values() for row in rows]
            missed = [pair for pairs in wrong.values() for pair in pairs]
            print(f"{run} {task}, all {len(asked)}: {share(asked, missed):.0%} right, needed {needed:.0%}")


if __name__ == "__main__":
    main()
