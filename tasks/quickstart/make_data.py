"""Write the four small data sets of the quickstart suite.

A first run of mtsmart must work without a network and within minutes on a
laptop, and no public benchmark may be shipped inside the project.  So the
quickstart tasks are built here, from words and phrases written for the project
(``material.py``) and sentence patterns (one module per task, and the attitude
frames).  The rows are synthetic: they show that training works, they are no
evidence about methods.

    python make_data.py            write <task>/train.jsonl and validation.jsonl
    python make_data.py --check    exit 1 if the files on disk differ

Only the standard library is used and every draw is seeded, so that running the
script again gives byte-identical files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from attitude import attitude_row
from draw import Draw, Row
from entail import entail_row
from paraphrase import paraphrase_row
from similar import BANDS, similar_row

HERE = Path(__file__).resolve().parent
ASKED = HERE.parents[1] / "benchmarks" / "everyday.jsonl"  # what runs are asked about, so it is never a row
VALIDATION_ROWS = 200
SHORTEST = 3  # words in a sentence
LONGEST = 25
MAX_TRIES = 2000

# Task -> (row builder, targets to cycle through, training rows).  A target is the label, or for
# the regression task the band of scores that the row should fall in.
TASKS: dict[str, tuple[Callable[[Draw, str], Row], Sequence[str], int]] = {
    "quick_attitude": (attitude_row, ("pleased", "displeased", "neutral"), 1800),
    "quick_entail": (entail_row, ("entailment", "neutral", "contradiction"), 3400),
    "quick_similar": (similar_row, BANDS, 400),
    "quick_paraphrase": (paraphrase_row, ("paraphrase", "different"), 4600),
}


def content(row: Row) -> frozenset[str]:
    """The texts of a row in any order; two rows with the same texts are duplicates."""
    return frozenset(value for name, value in row.items() if name not in ("label", "score") and isinstance(value, str))


@cache
def asked_sentences() -> frozenset[str]:
    """Everything that stands in the sentences that runs are asked about."""
    rows = map(json.loads, ASKED.read_text(encoding="utf-8").splitlines())
    return frozenset(text for row in rows for text in row.values())


def fits(text: str) -> bool:
    """Whether the sentence has a length that the tasks promise."""
    return SHORTEST <= len(text.split()) <= LONGEST


def build_split(task: str, split: str, taken: set[frozenset[str]]) -> list[Row]:
    """Draw the rows of one split; `taken` holds what must not appear again."""
    builder, targets, training_rows = TASKS[task]
    draw = Draw(f"{task}/{split}", held_out=split == "validation")
    asked = asked_sentences()
    rows: list[Row] = []
    for number in range(training_rows if split == "train" else VALIDATION_ROWS):
        for _ in range(MAX_TRIES):
            row = builder(draw, targets[number % len(targets)])
            texts = content(row)
            if texts not in taken and asked.isdisjoint(texts) and len(texts) == len(row) - 1 and all(map(fits, texts)):
                break
        else:
            raise RuntimeError(f"{task}/{split}: no new row after {MAX_TRIES} tries")
        taken.add(texts)
        rows.append(row)
    return draw.shuffled(rows)


def build_all() -> dict[Path, str]:
    """The text of every data file, by path."""
    files: dict[Path, str] = {}
    for task in TASKS:
        taken: set[frozenset[str]] = set()
        for split in ("train", "validation"):
            lines = (json.dumps(row, ensure_ascii=False) for row in build_split(task, split, taken))
            files[HERE / task / f"{split}.jsonl"] = "".join(f"{line}\n" for line in lines)
    return files


def differs(path: Path, text: str) -> bool:
    """Whether the file is missing or holds other bytes than `text`."""
    return not path.is_file() or path.read_bytes() != text.encode("utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the quickstart data sets.")
    parser.add_argument("--check", action="store_true", help="exit 1 if the files on disk differ; write nothing")
    check = parser.parse_args(arguments).check
    stale = [(path, text) for path, text in build_all().items() if differs(path, text)]
    for path, text in stale:
        print(f"{'differs' if check else 'wrote'}: {path.relative_to(HERE)}")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
