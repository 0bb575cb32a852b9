"""Ask runs of the quickstart about everyday sentences, which are none of its generators' material.

    python -m benchmarks.everyday [RUN ...]

Prints the share of right answers for each task and run, and the sentences that were answered wrongly. Without a run,
it reads runs/quickstart. The sentences are in benchmarks/everyday.jsonl.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mtsmart
from mtsmart.quiet import quiet_libraries

SENTENCES = Path(__file__).with_suffix(".jsonl")
NEEDED = {"quick_attitude": 0.9, "quick_paraphrase": 0.75, "quick_entail": 0.75}
"""Task -> the share of right answers that the quickstart promises."""

Row = dict[str, str]


def rows_of(task: str) -> list[Row]:
    """The everyday rows of a task, with their labels."""
    rows = [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["task"] == task]


def wrong_rows(run: str | Path, task: str) -> list[tuple[Row, str]]:
    """The rows that a run answers wrongly, each with its answer."""
    rows = rows_of(task)
    asked = [{name: value for name, value in row.items() if name not in ("task", "label")} for row in rows]
    answers = [answer["prediction"] for answer in mtsmart.load(run).predict(task, asked)]
    return [(row, answer) for row, answer in zip(rows, answers, strict=True) if answer != row["label"]]


def main() -> None:
    """Print the shares and the wrong answers of each run."""
    quiet_libraries()
    for run in sys.argv[1:] or ["runs/quickstart"]:
        for task, needed in NEEDED.items():
            wrong = wrong_rows(run, task)
            count = len(rows_of(task))
            right = count - len(wrong)
            print(f"{run} {task}: {right} of {count} right ({right / count:.0%}, needed {needed:.0%})")
            for row, answer in wrong:
                texts = " | ".join(value for name, value in row.items() if name not in ("task", "label"))
                print(f"  {answer} for {row['label']}: {texts}")


if __name__ == "__main__":
    main()
