"""Encoding, starting again, and memory by the number of rows."""

from __future__ import annotations

import json
import multiprocessing
import random
import statistics
import time
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from benchmarks.speed import process_memory, workload
from benchmarks.speed.process_memory import status
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import PLAIN, run_updates, trainer
from mtsmart.config.sections import DataConfig
from mtsmart.cpu.allocator import keeping_freed_memory
from mtsmart.models.loading import resolve_path
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from mtsmart.tasks.dataset import DatasetSource

PAIRS = 200_000
FEW = 20_000
MANY = 2_000_000
UPDATES = 20


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of encoding both ways and of a second start; bytes while training on few and many rows."""
    folder.mkdir(parents=True)
    pairs = generate(folder / "pairs.jsonl", PAIRS, 8, 20)
    count = iter(range(1_000_000))
    arms = {
        "row by row into JSON": lambda: row_by_row(pairs, folder / "out.json"),
        "ours": lambda: prepare(pairs, folder / f"cache{next(count)}"),
    }
    seconds = interleaved(arms, repeats)
    again = interleaved({"again": lambda: prepare(pairs, folder / "cache0")}, repeats)["again"]
    files = {rows: generate(folder / f"rows{rows}.jsonl", rows, 3, 6) for rows in (FEW, MANY)}
    memory: dict[str, list[dict[str, float]]] = {}
    for start in ("first", *["second"] * repeats):
        for rows, file in files.items():
            with multiprocessing.get_context(process_memory.START_METHOD).Pool(1) as pool:
                memory.setdefault(f"{rows} {start}", []).append(
                    pool.apply(train, (file, folder, workload.ENCODER, UPDATES))
                )
    return {"seconds": seconds, "again": again, "memory": memory}


def generate(file: Path, rows: int, fewest: int, most: int) -> Path:
    """``rows`` pairs of texts of common words."""
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(workload.ENCODER))
    words = sorted(word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 1)
    generator = random.Random(0)
    with file.open("w", encoding="utf-8") as stream:
        for row in range(rows):
            first, second = (" ".join(generator.choices(words, k=generator.randint(fewest, most))) for _ in range(2))
            stream.write(json.dumps({"a": first, "b": second, "label": str(row % 2)}) + "\n")
    return file


def row_by_row(file: Path, target: Path) -> None:
    """What MT-DNN's preprocessing does: each row through the tokenizer, and a line of JSON."""
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(workload.ENCODER))
    with file.open(encoding="utf-8") as source, target.open("w", encoding="utf-8") as stream:
        for number, line in enumerate(source):
            row = json.loads(line)
            tokens = tokenizer(row["a"], row["b"], truncation=True, max_length=128)
            record = {"uid": number, "label": int(row["label"]), **tokens}
            stream.write(json.dumps(record) + "\n")


def definition(file: Path) -> TaskDefinition:
    """The generated task."""
    source = DatasetSource(files={"train": str(file)})
    return TaskDefinition(task_type="classification", dataset=source, text=["a", "b"], labels=["0", "1"])


def prepare(file: Path, cache: Path) -> None:
    """Encode, or find the encoded rows in the cache."""
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(workload.ENCODER))
    config = DataConfig(max_length=128, cache_dir=str(cache))
    Preparer(tokenizer, config, None).split(build_task("generated", definition(file)), "train")


def train(file: Path, folder: Path, encoder: str, updates: int) -> dict[str, float]:
    """Memory (bytes) after some updates, and the seconds until the first."""
    experiment = folder / f"{file.stem}.yaml"
    experiment.write_text(
        f"""
tasks:
  generated:
    task_type: classification
    dataset: {{files: {{train: {file}}}}}
    text: [a, b]
    labels: ["0", "1"]
encoder: {{path: {encoder}}}
data: {{max_length: 32, cache_dir: {folder}/cache_train}}
training: {{epochs: 1, batch_size: 8}}
""",
        encoding="utf-8",
    )
    start = time.perf_counter()
    made = trainer(experiment, PLAIN, folder / "run")
    batches = made.updates()
    with keeping_freed_memory():
        run_updates(made, next(batches))
        first = time.perf_counter() - start
        for _ in range(updates):
            run_updates(made, next(batches))
        return {"resident": status("VmRSS"), "anonymous": status("RssAnon"), "peak": status("VmHWM"), "start": first}


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    seconds = measured["seconds"]
    again = measured["again"]
    memory = measured["memory"]
    faster = 1 / paired_ratio(seconds["ours"], seconds["row by row into JSON"])
    rows = [
        ["row by row into JSON", spread(seconds["row by row into JSON"], 1), ""],
        ["ours, into the cache", spread(seconds["ours"], 1), verdict(faster, 4, at_least=True, unit="times as fast")],
        ["ours, a second start", spread(again, 2), verdict(statistics.median(again), 3, unit="seconds")],
    ]
    middle = {
        key: {name: statistics.median(one[name] for one in found) for name in found[0]} for key, found in memory.items()
    }
    growth = (middle[f"{MANY} second"]["resident"] - middle[f"{FEW} second"]["resident"]) / 2**20
    parts = [
        [
            f"{int(key.split()[0]):,} rows, {key.split()[1]} start",
            str(len(memory[key])),
            *(f"{found[name] / 2**20:.0f}" for name in ("resident", "anonymous", "peak")),
            f"{found['start']:.1f}",
        ]
        for key, found in middle.items()
    ]
    return [
        "## Scale in data",
        "",
        f"{PAIRS:,} generated pairs of 8 to 20 words each, all-MiniLM-L6-v2's fast tokenizer in both.",
        "",
        *table(["", "seconds, median (range)", ""], rows),
        f"Training after {UPDATES} updates on generated pairs of 3 to 6 words, medians of processes of their own:",
        "",
        *table(
            ["", "starts", "resident MB", "of which not file-backed", "peak MB", "seconds to the first update"], parts
        ),
        f"Resident memory with {MANY:,} rows is {verdict(growth, 150, unit='MB')} above that with {FEW:,} "
        "(second start, files in memory counted).",
        "",
    ]
