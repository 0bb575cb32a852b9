"""Examples a second on rte + mrpc + cola + stsb, end to end, beside the classic loop, and the time of each part."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks.speed import workload
from benchmarks.speed.classic import ClassicLoop
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import ASCENT, ONE_PASS, PLAIN, TEACHER, batches_of, every, mix, run_epoch, trainer
from mtsmart.models import dropout
from mtsmart.training.trainer import Trainer

ROWS = 64
BATCHES = (16, 32)
CLASSIC = "classic loop, SMART"
ARMS = {
    "ours, plain": PLAIN,
    "ours, SMART, paper's procedure": ASCENT,
    "ours, SMART + MBPP, paper's procedure": ASCENT + TEACHER,
    "ours, SMART + MBPP, one pass": ONE_PASS + TEACHER,
    "ours, SMART + MBPP, one pass, every: 4": every(ONE_PASS + TEACHER, 4),
}
STOCK = "ours, SMART + MBPP, one pass, with torch's own kernels and masks"
LIMITS = {"ours, SMART + MBPP, one pass": 2.0, "ours, SMART + MBPP, one pass, every: 4": 3.5}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of an epoch of each arm at each batch size, its tokens, and the share of each part of an update."""
    return {str(size): _at(folder / f"mix{size}", size, repeats) for size in BATCHES}


def _at(folder: Path, batch_size: int, repeats: int) -> dict[str, Any]:
    folder.mkdir(parents=True)
    experiment = mix(folder, ROWS, batch_size)
    ours = {name: trainer(experiment, arm, folder / str(i)) for i, (name, arm) in enumerate(ARMS.items())}
    setup = next(iter(ours.values())).setup
    rows = {name: split.rows.to_list() for name, split in setup.train.items()}
    outputs = {name: 1 if name == "stsb" else 2 for name in rows}
    classic = ClassicLoop(workload.ENCODER, rows, outputs, batch_size)
    arms: dict[str, Callable[[], None]] = {CLASSIC: classic.epoch}
    arms |= {name: partial(run_epoch, made) for name, made in ours.items()}
    arms[STOCK] = partial(_stock_epoch, ours["ours, SMART + MBPP, one pass"])
    seconds = interleaved(arms, repeats)
    examples = sum(map(len, rows.values()))
    real = sum(len(row["input_ids"]) for each in rows.values() for row in each)
    batches = batches_of(next(iter(ours.values())))
    return {
        "seconds": seconds,
        "examples": examples,
        "tokens": real,
        "positions": {
            CLASSIC: sum(len(part) * max(len(row["input_ids"]) for row in part) for _, part in classic._batches()),
            "ours": sum(batch.inputs["input_ids"].numel() for batch in batches),
        },
        "shares": shares(ours["ours, SMART + MBPP, one pass"]),
    }


def _stock_epoch(made: Trainer) -> None:
    """An epoch without what mtsmart does for CPUs: linear layers as convolutions, dropout masks drawn faster."""
    with torch.backends.mkldnn.flags(enabled=False), mock.patch.object(dropout, "draw", torch.Tensor.bernoulli_):
        run_epoch(made)


def shares(made: Trainer) -> dict[str, float]:
    """Share of an epoch's time in each part of an update, from clocks around them (a CPU does one after the other)."""
    clock: dict[str, float] = {}
    smart, mbpp = (made.step.regularizers[name] for name in ("smart", "mbpp"))
    parts: list[tuple[str, Any, str]] = [
        ("all of SMART", smart, "loss"),
        ("attack", smart, "perturbation"),
        ("teacher", mbpp, "loss"),
        ("teacher's move", mbpp, "after_update"),
        ("backward", made.executor, "backward"),
        ("optimizer", made.optimizer, "step"),
        ("step", made.step, "forward"),
        ("update", made, "update"),
    ]
    for name, owner, method in parts:
        setattr(owner, method, _clocked(clock, name, getattr(owner, method)))
    start = time.perf_counter()
    run_epoch(made)
    total = time.perf_counter() - start
    for _, owner, method in parts:
        delattr(owner, method)
    found = {
        "data": total - clock["update"],
        "clean forward": clock["step"] - clock["all of SMART"] - clock["teacher"],
        "attack": clock["attack"],
        "perturbed forward": clock["all of SMART"] - clock["attack"],
        "teacher": clock["teacher"] + clock["teacher's move"],
        "backward": clock["backward"],
        "optimizer": clock["optimizer"],
    }
    found["the rest (clipping, figures)"] = total - sum(found.values())
    return {name: seconds / total for name, seconds in found.items()}


def _clocked(clock: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            clock[name] = clock.get(name, 0.0) + time.perf_counter() - start

    return timed


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    lines = [
        "## End to end beside the classic loop",
        "",
        f"The first {ROWS} rows each of RTE, MRPC, CoLA and STS-B, max_length 128, one epoch an arm and round, loading "
        "of data included. The classic loop (benchmarks/speed/classic.py): random batches, noise, gradient, "
        "perturbed pass, Adamax not fused, the loss read at each update; SMART without a teacher. It runs as torch "
        "comes; the last line is ours as torch comes, without what is done for CPUs (see the first section).",
        "",
    ]
    for size, found in measured.items():
        seconds = found["seconds"]
        rows = []
        for arm, values in seconds.items():
            ratio = 1 / paired_ratio(values, seconds[CLASSIC])
            limit = LIMITS.get(arm)
            positions = found["positions"][CLASSIC if arm == CLASSIC else "ours"]
            rows.append(
                [
                    arm,
                    spread([found["examples"] / value for value in values], 1),
                    f"{found['tokens'] / statistics.median(values):.0f}",
                    f"{1 - found['tokens'] / positions:.0%}",
                    f"{ratio:.2f}" if limit is None else verdict(ratio, limit, at_least=True),
                ]
            )
        head = ["", "examples/s, median (range)", "real tokens/s", "padding", "examples/s beside the classic loop"]
        lines += [f"### Batches of {size}", "", *table(head, rows)]
    parts = {size: found["shares"] for size, found in measured.items()}
    names = list(next(iter(parts.values())))
    lines += ["Where an epoch of SMART + MBPP (one pass, every update) spends its time:", ""]
    head = ["", *(f"batches of {size}" for size in parts)]
    return [*lines, *table(head, [[name, *(f"{found[name]:.0%}" for found in parts.values())] for name in names])]
