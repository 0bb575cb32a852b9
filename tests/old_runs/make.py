"""Make the runs of one version that later versions must go on reading: python tests/old_runs/make.py FOLDER.

It is run with that version's code (PYTHONPATH) and writes a tiny encoder, its tasks and data, a finished run, and the
same run stopped half-way. Of the tests it uses only tiny_encoder.py, so it can be run with the code of any commit.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import mtsmart
from mtsmart.training.callbacks import Callback, UpdateDone

# PYTHONPATH names the code of another commit, whose own tests may lack this module, so it is not a part of a package.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from tiny_encoder import write_tiny_encoder

PLACEHOLDER = "FOLDER_OF_THESE_RUNS"
STOP = 13  # in the second epoch, between lines of metrics.jsonl, after the evaluation of update 10
WORDS = "a the red blue big small old new cat dog house car runs sleeps eats sees is not very and".split()
TASKS = """\
color:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
  metrics: [accuracy, f1]
near:
  task_type: regression
  dataset: {files: {train: near_train.jsonl, validation: near_validation.jsonl}}
  text: [a, b]
  label: score
  metrics: [pearson]
"""
EXPERIMENT = """\
name: tiny
tasks: [color, near]
task_files: [tasks.yaml]
encoder: {path: ./encoder}
data: {max_length: 24}
smart: tuned
mbpp: {preset: tuned, weight: 1}
optimizer: {learning_rate: 1e-2, eps: 1e-4}  # so large that gradients which are rounding alone move nothing
training: {epochs: 2, batch_size: 8, log_every: 3, evaluate_every: 5, keep_checkpoints: 1}
"""


class StopAt(Callback):
    """Presses Ctrl-C after an update."""

    def on_update(self, event: UpdateDone) -> None:
        if event.update == STOP:
            os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    write_tiny_encoder(folder / "encoder", WORDS, width=8, positions=32)
    rows = write_data(folder)
    (folder / "tasks.yaml").write_text(TASKS, encoding="utf-8")
    (folder / "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")
    os.environ["MTSMART_CACHE_DIR"] = str(folder / "cache")
    mtsmart.train(folder / "experiment.yaml", output_dir=folder / "finished")
    try:
        mtsmart.train(folder / "experiment.yaml", output_dir=folder / "interrupted", callback=StopAt())
    except KeyboardInterrupt:
        print("interrupted, as it should be")
    loaded = mtsmart.load(folder / "finished")
    predictions = {task: loaded.predict(task, of_task) for task, of_task in rows.items()}
    (folder / "predictions.json").write_text(json.dumps(predictions, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder / "cache")
    for run in (folder / "finished", folder / "interrupted"):
        for lock in run.glob("*.lock"):  # a name that depends on the version
            lock.unlink()
        for file in (run / "config.yaml", run / "README.md"):
            if file.exists():  # an interrupted run has no card
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace(str(folder), PLACEHOLDER), encoding="utf-8")


def write_data(folder: Path) -> dict[str, list[dict[str, str | float]]]:
    """The two tasks' files; returns their validation rows."""
    draw = random.Random(0)
    texts, others = ([" ".join(draw.choices(WORDS, k=draw.randint(2, 8))) for _ in range(60)] for _ in range(2))
    rows: dict[str, list[dict[str, str | float]]] = {
        "color": [{"text": text, "label": "red" if "red" in text else "other"} for text in texts],
        "near": [
            {"a": text, "b": other, "score": len(set(text.split()) & set(other.split())) / 2}
            for text, other in zip(texts, others, strict=True)
        ],
    }
    for task, of_task in rows.items():
        for split, part in (("train", of_task[:44]), ("validation", of_task[44:])):
            text = "".join(json.dumps(row) + "\n" for row in part)
            (folder / f"{task}_{split}.jsonl").write_text(text, encoding="utf-8")
    return {task: of_task[44:] for task, of_task in rows.items()}


if __name__ == "__main__":
    main()
