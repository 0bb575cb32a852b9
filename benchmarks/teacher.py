"""Compare MBPP's teacher with its student, and with whoever of the two is better, after short runs on SNLI.

    python benchmarks/teacher.py [SEEDS]

Trains 180 updates from MiniLM for each momentum and seed, and scores the student's and the teacher's weights. The run's
own validation rows say which of them ``mbpp.keep: better`` would keep, and other rows say what that is worth. Each run
is a line of experiments/teacher/runs.jsonl, and a run with a line is not trained again. Writes
experiments/teacher/RESULTS.md. Needs MTSMART_HUB_DIR or the Hub.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import machine, table
from benchmarks.speed.workload import ENCODER, run_epoch
from mtsmart.config import load_experiment
from mtsmart.evaluation.evaluator import evaluate_task
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.quiet import quiet_libraries
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import Setup, prepare
from mtsmart.training.trainer import Trainer

SEEDS = 5
UPDATES = 180
BATCH = 32
TARGET = Path(__file__).resolve().parents[1] / "experiments" / "teacher"
CHOOSING = "train[17000:18000]"
SCORING = "validation[:2000]"
MOMENTA = {
    "beta 0.99 (`tuned`)": "mbpp={preset: tuned, keep: better}",
    "horizon 0.1": "mbpp={preset: tuned, keep: better, horizon: 0.1}",
}


def main() -> None:
    """Train what has no line yet, and write the page."""
    quiet_libraries()
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    TARGET.mkdir(parents=True, exist_ok=True)
    ledger = TARGET / "runs.jsonl"
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()] if ledger.exists() else []
    done = {(line["momentum"], line["seed"]) for line in lines}
    for seed in range(1, seeds + 1):
        for momentum in MOMENTA:
            if (momentum, seed) in done:
                continue
            lines.append({"momentum": momentum, "seed": seed, **trained(momentum, seed)})
            ledger.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    text = "\n".join(page(lines))
    (TARGET / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def trained(momentum: str, seed: int) -> dict[str, Any]:
    """The accuracies of one run: model -> on the choosing rows and on the scoring rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        scored = setup_of(folder, SCORING, MOMENTA[momentum], seed)
        chosen = setup_of(folder, CHOOSING, MOMENTA[momentum], seed)
        (folder / "run").mkdir()
        made = Trainer(chosen.without_validation(), RunFolder(folder / "run"))
        if made.total_updates != UPDATES:
            raise ValueError(f"the run has {made.total_updates} updates, not {UPDATES}")
        run_epoch(made)
        models = made.step.regularizers["mbpp"].candidates({"student": made.setup.model})
        return {
            name: {"choosing": accuracy(model, chosen), "scoring": accuracy(model, scored)}
            for name, model in models.items()
        }


def setup_of(folder: Path, validation: str, momentum: str, seed: int) -> Setup:
    """The run with these validation rows."""
    file = folder / "snli.yaml"
    file.write_text(
        "tasks:\n  snli: {head: {type: plain, pooling: mean}, learning_rate_factor: 20, "
        f"splits: {{train: 'train[:{UPDATES * BATCH}]', validation: '{validation}'}}}}\n"
        f"encoder: {{path: {ENCODER}}}\ndata: {{max_length: 64, cache_dir: {folder}/cache}}\n"
        f"optimizer: {{learning_rate: 1e-4, warmup: 0.1}}\ntraining: {{epochs: 1, batch_size: {BATCH}}}\n",
        encoding="utf-8",
    )
    return prepare(load_experiment(file, ["smart=off", momentum, f"training.seed={seed}"]))


def accuracy(model: MultiTaskModel, setup: Setup) -> float:
    """The accuracy on a setup's validation rows."""
    task = setup.tasks["snli"]
    if task.validation is None:
        raise ValueError("there are no rows to score")
    return evaluate_task(model, task.type, task.validation, task.collate, BATCH).main


def page(lines: list[dict[str, Any]]) -> list[str]:
    """RESULTS.md."""
    rows = []
    for momentum in MOMENTA:
        runs = [line for line in lines if line["momentum"] == momentum]
        columns = [[run[name]["scoring"] for run in runs] for name in ("student", "teacher")]
        columns.append([run[better(run)]["scoring"] for run in runs])
        columns.append([run["teacher"]["scoring"] - run["student"]["scoring"] for run in runs])
        kept = sum(better(run) == "teacher" for run in runs)
        rows.append([momentum, *map(shown, columns), f"{kept} of {len(runs)}"])
    return [
        "# MBPP's teacher as the model",
        "",
        f"Written by `python benchmarks/teacher.py`. SNLI, {UPDATES * BATCH:,} rows in {UPDATES} updates from MiniLM, "
        f"MBPP with the preset `tuned` and no SMART. Accuracy on `{SCORING}`, in percent: the mean over seeds and the "
        f"standard deviation. `better` is whoever is better on `{CHOOSING}`, as `mbpp.keep: better` chooses on a run's "
        "own validation rows. The last column says how often that is the teacher.",
        "",
        *table(["teacher's momentum", "student", "teacher", "better", "teacher - student", "teacher kept"], rows),
        machine(),
        "",
    ]


def better(run: dict[str, Any]) -> str:
    """Who is kept; of two with the same score the student."""
    return "teacher" if run["teacher"]["choosing"] > run["student"]["choosing"] else "student"


def shown(values: list[float]) -> str:
    """Mean and standard deviation in percent."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.1f} ± {100 * deviation:.1f}"


if __name__ == "__main__":
    main()
