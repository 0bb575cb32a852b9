"""The cost of an update beside a plain one, at fixed shapes: SMART's two directions, the teacher, lazy forms."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import (
    ASCENT,
    ONE_PASS,
    PLAIN,
    TEACHER,
    batches_of,
    every,
    fixed_length,
    run_updates,
    trainer,
)

BATCH = 32
TOKENS = (32, 64)
UPDATES = 4
ARMS = {
    "plain": PLAIN,
    "SMART, paper's procedure": ASCENT,
    "SMART, one pass": ONE_PASS,
    "MBPP": TEACHER,
    "SMART + MBPP, paper's procedure": ASCENT + TEACHER,
    "SMART + MBPP, one pass": ONE_PASS + TEACHER,
    "SMART + MBPP, one pass, every: 2": every(ONE_PASS + TEACHER, 2),
    "SMART + MBPP, one pass, every: 4": every(ONE_PASS + TEACHER, 4),
}
LIMITS = {"SMART + MBPP, one pass": {32: 2.5, 64: 2.7}, "SMART + MBPP, one pass, every: 4": {32: 1.5, 64: 1.5}}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of ``UPDATES`` updates of each arm at each length."""
    return {str(tokens): _at(folder / f"steps{tokens}", tokens, repeats) for tokens in TOKENS}


def _at(folder: Path, tokens: int, repeats: int) -> dict[str, list[float]]:
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, BATCH * UPDATES, tokens, BATCH)
    arms = {}
    for index, (name, arm) in enumerate(ARMS.items()):
        made = trainer(experiment, arm, folder / str(index))
        batches = batches_of(made)
        assert {batch.inputs["input_ids"].shape for batch in batches} == {(BATCH, tokens)}
        arms[name] = partial(run_updates, made, batches)
    return interleaved(arms, repeats)


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    lines = [
        "## What an update costs",
        "",
        f"One classification task, batches of {BATCH} rows of one length, no padding; {UPDATES} updates of the real "
        "trainer an arm and round, optimizer, clipping and logging figures included, on the same batches. The ratio "
        "is the median of the rounds' ratios.",
        "",
    ]
    for tokens, seconds in measured.items():
        rows = []
        for arm, values in seconds.items():
            ratio = paired_ratio(values, seconds["plain"])
            limit = LIMITS.get(arm, {}).get(int(tokens))
            shown = f"{ratio:.2f}" if limit is None else verdict(ratio, limit)
            each = [value / UPDATES for value in values]
            rows.append([arm, spread(each), f"{BATCH / statistics.median(each):.0f}", shown])
        lines += [f"### {BATCH} rows of {tokens} tokens", ""]
        lines += table(["", "seconds an update, median (range)", "examples/s", "times plain"], rows)
    return lines
