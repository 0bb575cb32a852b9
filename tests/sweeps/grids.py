"""A small grid, its command in a process of its own, and lines of runs that nobody trained."""

import json
import os
import subprocess
import sys

from mtsmart.storage.owned import Kind, OwnedFolder
from mtsmart.sweeps.ledger import FinishedRun
from tests.forked import Forked, command_line

GRID = """
grid:
  seeds: [1, 2]
  starts:
    joint: {tasks: [color, near]}
  arms:
    plain: {smart: off, mbpp: off}
    both: {smart: tuned, mbpp: tuned}
    after joint: {start: joint, smart: off, mbpp: off}
  tables:
    colors: {tasks: [color]}
    near: {tasks: [near], arms: [plain, both]}
"""
SEARCH = """
search:
  trials: 14
  space:
    optimizer.learning_rate: {low: 1e-5, high: 1e-2, log: true}
    training.batch_size: {choices: [4, 8]}
"""
RUNS_A_SEED = 6
NEAR = "    near: {tasks: [near], arms: [plain, both]}\n"  # of GRID: left out where one table is enough
ROWS = {"train": "32 rows, def", "validation": "16 rows, abc"}


def command(grid, folder, *more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", "mtsmart", "sweep", str(grid), "-o", str(folder), "--jobs", "2", *more]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def forked(grid, folder):
    """The same in a fork: it is the first of a group of processes, and what it says is in ``process.out``."""
    arguments = ["sweep", str(grid), "-o", str(folder), "--jobs", "2"]
    return Forked(_in_own_session, *arguments, out=folder.with_name(folder.name + ".txt"))


def _in_own_session(*arguments):
    os.setsid()
    command_line(*arguments)


def marked(folder):
    """A sweep's folder, with the marker that it has or without one."""
    return OwnedFolder.read(folder) or OwnedFolder(folder, Kind.SWEEP)


def finish(process):
    out, _ = process.communicate(timeout=500)
    assert process.returncode == 0, out
    return out


def lines(folder):
    file = folder / "runs.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def line_of(job, score, **more):
    values = {
        "run": job.label,
        "config": job.config,
        "seed": job.seed,
        "tasks": {"color": {"accuracy": score}},
        "updates": 10,
        "seconds": 5.0,
        "seconds_per_update": 0.5,
        "figures": {},
        "rows": {"color": ROWS},
        "versions": {"torch": "2"},
        "machine": "m",
        "device": "cpu",
    }
    return FinishedRun(**values | more)


def fill(plan, ledger, gain):
    for number, job in enumerate(plan.tables[0].arms["plain"]):
        ledger.add(line_of(job, 0.5 + number / 100))
    for number, job in enumerate(plan.tables[0].arms["SMART"]):
        ledger.add(line_of(job, 0.5 + number / 100 + gain[number], seconds_per_update=1.25))
