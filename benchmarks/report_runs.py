"""Write a table of runs' results from their folders.

python benchmarks/report_runs.py experiments/joint_five/RESULTS.md runs/joint_five runs/joint_five-rte
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mtsmart.regularizers import summaries
from mtsmart.runs.folder import RunFolder


def main() -> None:
    """Write the page."""
    target, *folders = map(Path, sys.argv[1:])
    parts = [part for folder in folders for part in section(RunFolder(folder))]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "datasets", "mtsmart"))
    head = [
        "# Results of runs",
        "",
        f"By `python benchmarks/report_runs.py {' '.join(['FILE', *(folder.name for folder in folders)])}` from "
        "the runs' folders. One seed each. The encoder, all-MiniLM-L6-v2, was tuned on NLI and paraphrase pairs.",
        "",
    ]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no GPU; {libraries}."
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([*head, *parts, machine, ""]), encoding="utf-8")


def section(folder: RunFolder) -> list[str]:
    """One run: how it was trained, and its scores."""
    config = folder.config()
    results = folder.results()
    last = results.last
    assert last is not None, f"{folder.path} has no evaluation"
    definitions = folder.definitions()
    seconds = sum(json.loads(line)["seconds"] for line in folder.timing_file.read_text(encoding="utf-8").splitlines())
    rows = [
        f"| {name} | {definitions[name].split('train')} | {definitions[name].split('validation')} | {metric} "
        f"| {value:.3f} | {results.baselines[name][metric]:.3f} | {last.tasks[name][metric]:.3f} |"
        for name, metrics in results.tasks.items()
        for metric, value in metrics.items()
    ]
    start = f"run {Path(config.init.run).name}" if config.init else _encoder(config)
    return [
        f"## {config.name}",
        "",
        f"From {start}: {config.training.epochs} epochs, batch size {config.training.batch_size}, "
        f"{config.optimizer.name} {config.optimizer.learning_rate:g}, seed {config.training.seed}; "
        f"{' '.join(summaries(config, definitions))} "
        f"{last.update:,} updates in {seconds / 60:.0f} minutes, evaluations included, on a machine "
        f"that did other work beside. Best score {results.score:.4f}.",
        "",
        "| task | train | scored on | metric | best | constant | last |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _encoder(config: Any) -> str:
    return config.encoder.path if config.encoder else ""


if __name__ == "__main__":
    main()
