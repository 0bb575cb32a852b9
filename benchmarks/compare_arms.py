"""Train an experiment under several arms and seeds, and write the table.

    python benchmarks/compare_arms.py benchmarks/first_look.yaml

A file of arms names an experiment, seeds, per arm the overrides, and notes for the page; differences are to the first
arm. Each finished run is a line of ``runs.jsonl`` in
the results folder and is not run again; delete the line to repeat it. ``RESULTS.md`` is rewritten from those lines.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import t

import mtsmart
from mtsmart.reporting.quiet import quiet_libraries

FIGURES = ("R", "flips", "delta/x", "D")


def main() -> None:
    """Run what is missing, then write the table."""
    file = Path(sys.argv[1])
    plan = yaml.safe_load(file.read_text(encoding="utf-8"))
    folder = file.parent / plan["results"]
    folder.mkdir(parents=True, exist_ok=True)
    done = read_runs(folder)
    for seed in plan["seeds"]:
        for arm, overrides in plan["arms"].items():
            if not any(run["arm"] == arm and run["seed"] == seed for run in done):
                run = {"arm": arm, "seed": seed, **train(file.parent / plan["experiment"], overrides, seed)}
                done.append(run)
                with (folder / "runs.jsonl").open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(run) + "\n")
                print(arm, seed, run["score"], flush=True)
    text = table(plan, done, file)
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def train(experiment: Path, overrides: list[str], seed: int) -> dict[str, Any]:
    """One run: the last evaluation's score (not the best, which would be picked on validation) and figures."""
    with tempfile.TemporaryDirectory() as scratch:
        run = mtsmart.train(experiment, [*overrides, f"training.seed={seed}"], output_dir=Path(scratch) / "run")
        lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    last = [line for line in lines if line["type"] == "train"][-1]
    figures = next(iter(last["tasks"].values()))
    return {
        "score": run.results["last"]["score"],
        "metrics": run.results["last"]["tasks"],
        **{name: figures.get(name) for name in FIGURES},
    }


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """The finished runs."""
    file = folder / "runs.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def table(plan: dict[str, Any], runs: list[dict[str, Any]], file: Path) -> str:
    """RESULTS.md."""
    first = next(iter(plan["arms"]))
    reference = scores(runs, first)
    rows = []
    for arm in plan["arms"]:
        values = scores(runs, arm)
        spread = statistics.stdev(values.values())
        paired = [100 * (values[seed] - reference[seed]) for seed in values]
        cells = [
            arm,
            str(len(values)),
            f"{100 * statistics.mean(values.values()):.2f}",
            f"{100 * spread:.2f}",
            f"{100 * spread / len(values) ** 0.5:.2f}",
            "" if arm == first else difference(paired),
            *(f"{value:.2g}" if (value := mean(runs, arm, name)) is not None else "" for name in FIGURES),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "mtsmart"))
    head = ["arm", "seeds", "mean", "std", "SE", f"to {first}: paired, SE, 95 % interval", *FIGURES]
    return "\n".join(
        [
            f"# {plan['title']}",
            "",
            f"Written by `python benchmarks/compare_arms.py benchmarks/{file.name}`; one line a run in runs.jsonl.",
            f"Score of the last evaluation, in points, on the task's whole validation split, the same rows in all "
            f"arms ({plan['rows']}). The encoder, all-MiniLM-L6-v2, was tuned on NLI and paraphrase pairs: fine for "
            "comparing arms that start from it. R (SMART's term), flips (share of predictions it turns), delta/x and D "
            "(distance to the teacher) are of the last updates before the end (the last line of metrics.jsonl).",
            "",
            "| " + " | ".join(head) + " |",
            "|" + "---|" * len(head),
            *rows,
            "",
            f"{platform.machine()}, {libraries}.",
            "",
        ]
    )


def difference(paired: list[float]) -> str:
    """Mean of differences paired by seed, its standard error, and the interval that Student's t gives."""
    mean, error = statistics.mean(paired), statistics.stdev(paired) / len(paired) ** 0.5
    half = float(t.ppf(0.975, len(paired) - 1)) * error
    return f"{mean:+.2f}, {error:.2f}, {mean - half:+.2f} to {mean + half:+.2f}"


def scores(runs: list[dict[str, Any]], arm: str) -> dict[int, float]:
    """Seed -> score."""
    return {run["seed"]: run["score"] for run in runs if run["arm"] == arm}


def mean(runs: list[dict[str, Any]], arm: str, name: str) -> float | None:
    """Mean of a figure over an arm's runs; None where it has none."""
    values = [run[name] for run in runs if run["arm"] == arm and run[name] is not None]
    return statistics.mean(values) if values else None


if __name__ == "__main__":
    quiet_libraries()
    main()
