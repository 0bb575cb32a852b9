"""Killed at any moment, damaged on the disk: the run that goes on ends as if nothing had happened, bit for bit.

The small one is a slow test; `make torture` runs the real ones: MiniLM, four tasks, thirty kills.
"""

import os
import random
import re
import shutil
import time
from pathlib import Path

import pytest

from mtsmart.runs.checkpoints import list_checkpoints
from tests.forked import Forked, command_line
from tests.training.test_checkpoints import damage

EVERYTHING = ["mixing.strategy=annealed", "training.accumulation=2", "training.log_every=3"]
SMALL = [*EVERYTHING, "training.epochs=8", "training.checkpoint_every=5", "training.evaluate_every=7"]
REAL = [
    *EVERYTHING,
    *("training.batch_size=4", "training.max_updates=60", "training.checkpoint_every=2", "training.evaluate_every=20"),
    *("data.max_length=32", "smart.direction=fisher", "tasks.quick_entail.smart.every=2", "mbpp.every=3"),
]


class Run:
    """The command line in a process of its own, as often as it takes; seconds: how long it works before a kill."""

    def __init__(self, experiment, settings, folder, seconds):
        self.seconds = seconds
        self.command = ["train", str(experiment), *settings, "-o", str(folder)]
        self.folder, self.errors = folder, folder.with_name(folder.name + ".err")

    def start(self):
        resume = ["--resume"] if (self.folder / "config.yaml").exists() else []
        return Forked(command_line, *self.command, *resume, out=Path(os.devnull), err=self.errors)

    def finish(self):
        process = self.start()
        assert process.wait(timeout=1800) == 0, self.errors.read_text()[-3000:]

    def kill(self, moment, rng):
        """Start, kill at a moment, and say whether it was still running.

        Moments: ``setting up``, ``training`` (from the first line or resume point that this process writes on),
        ``writing`` (a resume point or model is half written), ``point`` (after a further resume point), ``notice``
        (after one about a damaged resume point; warnings about the data come before it).
        """
        lines, before = self.written(), len(self.told())
        process = self.start()
        try:
            if moment == "setting up":
                time.sleep(rng.uniform(0, 6))
            elif moment == "training":
                wait_until(process, lambda: self.written() != lines)
                time.sleep(rng.uniform(0, self.seconds))
            elif moment == "point":
                wait_until(process, lambda: self.written()[1] != lines[1])
                time.sleep(rng.uniform(0, self.seconds))
            elif moment == "writing":
                wait_until(process, self.is_writing)
                time.sleep(rng.uniform(0, 0.2))
            else:
                wait_until(process, lambda: "mtsmart: notice: " in self.told()[before:])
                time.sleep(rng.uniform(0, self.seconds))
            return not process.ended()
        finally:
            process.kill()

    def written(self):
        """What tells that training goes on."""
        metrics = self.folder / "metrics.jsonl"
        return metrics.stat().st_size if metrics.exists() else 0, list_checkpoints(self.folder / "checkpoints")

    def told(self):
        """Everything that stands on standard error up to now."""
        return self.errors.read_text() if self.errors.exists() else ""

    def is_writing(self):
        return any(name.endswith(".new") for part in scratches(self.folder) for name in listed(part))


def scratches(folder):
    """The folders of unfinished writes, whose names have a random token."""
    return [path for path in folder.glob(".mtsmart.*") if re.fullmatch(r"\.mtsmart\.[0-9a-f]{12}", path.name)]


def listed(folder):
    """The names in a folder that may go away at any moment."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def wait_until(process, true):
    """Look every few milliseconds, until something holds or the process has ended."""
    while not process.ended() and not true():
        time.sleep(0.002)


def assert_same(a, b):
    """Weights, teacher, optimizer, random state, metrics and results, byte for byte."""
    last = max(path.name for path in list_checkpoints(a / "checkpoints"))
    files = [path.relative_to(a) for part in (f"checkpoints/{last}", "model") for path in (a / part).rglob("*")]
    for name in [*files, "metrics.jsonl", "results.json"]:
        if (a / name).is_file():
            assert (a / name).read_bytes() == (b / name).read_bytes(), name
    assert {"mbpp.safetensors", "optimizer.safetensors"} <= {path.name for path in files}
    assert not list(b.rglob("*.new")) + scratches(b), "what killed processes left is cleared away"


def torture(experiment, settings, workspace, kills, damages, seed=0, seconds=2):
    rng = random.Random(seed)
    reference, run = (Run(experiment, settings, workspace / name, seconds) for name in ("reference", "tortured"))
    reference.finish()
    moments = ["writing", "training", "training", "writing", "setting up"]
    hit = [run.kill(moments[number % len(moments)], rng) for number in range(kills)]
    assert sum(hit) >= kills * 0.8, f"only {sum(hit)} of {kills} kills met a running process"
    bad = []
    for _ in range(10 * damages):  # between two of them the run must get so far that one is whole
        if len(bad) == damages:
            break
        points = list_checkpoints(run.folder / "checkpoints")
        if len(points) < 2:
            run.kill("point", rng)
            continue
        bad.append(rng.choice(sorted(points[-1].iterdir())))
        damage(bad[-1], rng.choice(["cut", "flip", "missing"]), rng)
        before = run.told()
        run.kill("notice", rng)
        assert str(bad[-1].parent) in run.told().removeprefix(before), "the damaged resume point is named"
    assert len(bad) == damages
    run.finish()
    assert_same(reference.folder, run.folder)
    assert "Traceback" not in run.errors.read_text()
    print(f"{sum(hit)} kills, {len(bad)} damaged resume points; the end is the same")


@pytest.mark.slow
def test_a_small_run_survives_kills_and_damage(workspace):
    torture(workspace.experiment, SMALL, workspace.folder, kills=2, damages=1, seconds=1)


@pytest.mark.torture
def test_a_real_run_survives_thirty_kills(tmp_path, minilm):
    torture("quickstart", REAL, tmp_path, kills=30, damages=0)


@pytest.mark.torture
def test_a_real_run_survives_ten_damaged_resume_points(tmp_path, minilm):
    torture("quickstart", REAL, tmp_path, kills=2, damages=10, seed=1)
    shutil.rmtree(tmp_path)
