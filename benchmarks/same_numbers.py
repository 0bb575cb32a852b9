"""Show that two commits compute the same numbers: train a fixed list of runs with each, and compare what they leave.

    python -m benchmarks.same_numbers record BEFORE.json --checkout ../before
    python -m benchmarks.same_numbers record AFTER.json
    python -m benchmarks.same_numbers compare BEFORE.json AFTER.json

A recording holds the hashes of each run's metrics and weights, so the same means the same to the last bit. The runs are
trained on the CPU with one thread each. Other processors and other versions of torch round otherwise, so both
recordings are to be made on one machine with one environment. Runs on real data sets need local clones of them
(MTSMART_HUB_DIR) and are skipped without.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mtsmart.hardware import processor_name

HERE = Path(__file__).resolve().parents[1]
HUB = "MTSMART_HUB_DIR"


@dataclass(frozen=True)
class Run:
    """One run of the list.

    Attributes:
        start: an experiment below ``experiments``, or the earlier run whose ``task`` is fine-tuned.
        changes: ``key=value`` items; paths are relative to the scratch folder, where each run lies under its name.
        task: what to fine-tune; None: ``start`` is trained.
        after: an earlier run of the list that this one needs.
        on_hub_data: whether it needs local clones of data sets.
        processes: how many train it.
    """

    start: str
    changes: tuple[str, ...] = ()
    task: str | None = None
    after: str | None = None
    on_hub_data: bool = False
    processes: int = 1


BOTH_TERMS = ("smart=tuned", "mbpp=tuned")
FEW = "validation[:200]"
# What a run needs stands before it.
RUNS = {
    "quickstart": Run("quickstart.yaml"),
    "both_terms": Run("quickstart.yaml", (*BOTH_TERMS, "training.max_updates=40")),
    "paper": Run(
        "quickstart.yaml", ("smart=paper", "mbpp=paper", "training.max_updates=20", "training.precision=bfloat16")
    ),
    "every_type": Run("every_type.yaml", (*BOTH_TERMS, "training.max_updates=60"), on_hub_data=True),
    "finetune": Run("quickstart", ("training.epochs=1",), task="quick_similar", after="quickstart"),
    "distilled": Run(
        "distill_quickstart.yaml", ("distill.teachers=[quickstart]", "training.max_updates=60"), after="quickstart"
    ),
    "domain_joint": Run(
        "domain_adaptation/joint.yaml",
        (
            "training.max_updates=30",
            "tasks.sst2.splits.train=train[:6000]",
            *(f"tasks.{task}.splits.validation={FEW}" for task in ("rte", "mrpc", "cola", "stsb", "sst2")),
        ),
        on_hub_data=True,
    ),
    "domain_adaptation": Run(  # the local copy of SciTail may have no training rows, so both are parts of one split
        "domain_adaptation/scitail_1_percent.yaml",
        (
            "init.run=domain_joint",
            "tasks.scitail.splits={train: 'validation[:235]', validation: 'validation[235:600]'}",
            "training.epochs=2",
        ),
        after="domain_joint",
        on_hub_data=True,
    ),
    "two_processes": Run("quickstart.yaml", (*BOTH_TERMS, "training.max_updates=40"), processes=2),
}


def main() -> None:
    """Record or compare; the exit code is 1 if a run failed or anything differs."""
    parser = argparse.ArgumentParser(description="Show that two commits compute the same numbers.")
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="train the runs and write the hashes of what they leave")
    recording.add_argument("out", type=Path, metavar="OUT.json")
    recording.add_argument("--checkout", type=Path, default=HERE, metavar="DIR", help="whose mtsmart (default: this)")
    recording.add_argument("--keep", type=Path, metavar="DIR", help="a new folder where the runs stay")
    comparing = commands.add_parser("compare", help="say which runs are the same")
    comparing.add_argument("before", type=Path, metavar="BEFORE.json")
    comparing.add_argument("after", type=Path, metavar="AFTER.json")
    for command in (recording, comparing):
        command.add_argument("--only", nargs="+", choices=RUNS, metavar="NAME", help=f"of {', '.join(RUNS)}")
    given = parser.parse_args()
    if given.command == "record":
        sys.exit(0 if record(given.out, given.checkout.resolve(), given.only, given.keep) else 1)
    before, after = (json.loads(file.read_text(encoding="utf-8")) for file in (given.before, given.after))
    same, lines = compare(before, after, given.only)
    print("\n".join(lines))
    sys.exit(0 if same else 1)


def record(out: Path, checkout: Path, only: Iterable[str] | None = None, keep: Path | None = None) -> bool:
    """Train the runs with a checkout's mtsmart and write a recording, anew after each run; whether none failed.

    Args:
        out: the file to write.
        checkout: a folder that holds ``mtsmart``, ``experiments`` and ``tasks``.
        only: names of runs, which bring along what they need; None: all.
        keep: a new or empty folder, where the runs stay; None: they are deleted.
    """
    recording: dict[str, Any] = {"commit": commit_of(checkout), "machine": processor_name(), "torch": version("torch")}
    runs: dict[str, dict[str, Any]] = {}
    out.touch()  # rather than find out after the first run that it cannot be written
    with scratch_folder(keep) as folder:
        check_imported(checkout, folder)
        for name in with_needed(only):
            obstacle = obstacle_of(RUNS[name], runs)
            runs[name] = {"skipped": obstacle} if obstacle else train(name, checkout, folder)
            out.write_text(json.dumps({**recording, "runs": runs}, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {said_of(runs[name])}", flush=True)
    return not any("failed" in run for run in runs.values())


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], only: Iterable[str] | None = None
) -> tuple[bool, list[str]]:
    """Whether two recordings are the same, in all runs that either has or in the named ones; and what to print."""
    same, lines = True, [f"before: commit {before['commit']}", f"after: commit {after['commit']}"]
    for key in ("machine", "torch"):
        if before[key] != after[key]:
            same = False
            lines.append(f"{key} differs, so the numbers may too: {before[key]} / {after[key]}")
    for name in only or dict.fromkeys([*before["runs"], *after["runs"]]):
        agree, verdict = verdict_on(before["runs"].get(name), after["runs"].get(name))
        same = same and agree
        lines.append(f"{name}: {verdict}")
    return same, lines


def verdict_on(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[bool, str]:
    """Whether one run is the same in two recordings, of which None lacks it; a run that both skipped is."""
    if before is None or after is None:
        return False, f"missing from {'before' if before is None else 'after'}"
    if "skipped" in before and "skipped" in after:
        return True, said_of(after)
    if "files" not in before or "files" not in after:
        return False, f"differs: before {said_of(before)}, after {said_of(after)}"
    one, other = before["files"], after["files"]
    different = [file for file in dict.fromkeys([*one, *other]) if one.get(file) != other.get(file)]
    return not different, f"differs: {', '.join(different)}" if different else "same"


def said_of(run: Mapping[str, Any]) -> str:
    """What became of a run."""
    if "files" in run:
        return f"trained in {run['seconds']} s"
    return f"skipped: {run['skipped']}" if "skipped" in run else f"failed: {run['failed']}"


def with_needed(only: Iterable[str] | None) -> list[str]:
    """The names of the chosen runs and of those that they need, in the order of training; None chooses all."""
    wanted = set(RUNS if only is None else only)
    for name in reversed(RUNS):
        if name in wanted and (needed := RUNS[name].after):
            wanted.add(needed)
    return [name for name in RUNS if name in wanted]


def obstacle_of(run: Run, runs: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Why a run cannot be trained, given what became of the earlier ones; None if it can."""
    if run.on_hub_data and not os.environ.get(HUB):
        return f"{HUB} names no local clones of Hub data sets"
    return f"{run.after} is not trained" if run.after and "files" not in runs[run.after] else None


def train(name: str, checkout: Path, scratch: Path) -> dict[str, Any]:
    """Train one run below the scratch folder; its hashes, or its last words if it failed."""
    run, log, start = RUNS[name], scratch / f"{name}.log", time.perf_counter()
    what = ["finetune", run.start, "--task", run.task] if run.task else ["train", f"{checkout}/experiments/{run.start}"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(run.processes)]
    arguments = [*(launcher if run.processes > 1 else []), "-m", "mtsmart", *what, *run.changes, "--output-dir", name]
    command, variables = [sys.executable, *arguments], environment(checkout, scratch)
    with log.open("wb") as stream:
        done = subprocess.run(command, cwd=scratch, env=variables, stdout=stream, stderr=stream, check=False)
    if done.returncode:
        return {"failed": " ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:])}
    return {"seconds": round(time.perf_counter() - start), "files": hashes(scratch / name)}


def environment(checkout: Path, scratch: Path) -> dict[str, str]:
    """Of the processes that train: nothing of the user's caches, no download, no GPU, one thread."""
    own = {
        "PYTHONPATH": str(checkout),
        "MTSMART_CACHE_DIR": str(scratch / "cache"),
        "HF_HOME": str(scratch / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    hub = {HUB: os.path.abspath(os.environ[HUB])} if os.environ.get(HUB) else {}
    return {**os.environ, **own, **hub}


def hashes(run: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of a finished run's metrics and weights."""
    files = [run / "metrics.jsonl", *sorted((run / "model").rglob("*.safetensors"))]
    return {file.relative_to(run).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, marked where files differ from it."""
    return _output(["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])


def check_imported(checkout: Path, scratch: Path) -> None:
    """Refuse to record one checkout's numbers as another's: ``mtsmart`` may be installed too."""
    code = "import mtsmart; print(mtsmart.__file__)"
    file = _output([sys.executable, "-c", code], cwd=scratch, env=environment(checkout, scratch))
    if not Path(file).resolve().is_relative_to(checkout):
        sys.exit(f"{checkout}: mtsmart would be imported from {file}")


@contextmanager
def scratch_folder(keep: Path | None) -> Iterator[Path]:
    """Where the runs are trained: a folder that stays, or one that is deleted in the end."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if keep is None else keep.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            sys.exit(f"{folder}: is not empty")
        yield folder


def _output(command: Sequence[str], **options: Any) -> str:
    output: str = subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout
    return output.strip()


if __name__ == "__main__":
    main()
