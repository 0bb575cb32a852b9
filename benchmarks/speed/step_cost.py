"""What an update costs beside a plain one, at fixed shapes: SMART's two directions, the teacher, lazy forms."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import NO_TEACHER, ONE_PASS, PAPER, PLAIN, batches_of, fixed_length, run_updates, trainer

BATCH, TOKENS, UPDATES = 32, (32, 64), 4
ARMS = {
    "plain": PLAIN,
    "SMART, paper's procedure": [*PAPER, *NO_TEACHER],
    "SMART, one pass": [*ONE_PASS, *NO_TEACHER],
    "MBPP": ["smart=off"],
    "SMART + MBPP, paper's procedure": PAPER,
    "SMART + MBPP, one pass": ONE_PASS,
    "SMART + MBPP, one pass, every: 2": [*ONE_PASS, "smart.every=2", "mbpp.every=2"],
    "SMART + MBPP, one pass, every: 4": [*ONE_PASS, "smart.every=4", "mbpp.every=4"],
}
LIMITS = {"SMART + MBPP, one pass": {32: 2.5, 64: 2.7}, "SMART + MBPP, one pass, every: 4": {32: 1.5, 64: 1.5}}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of ``UPDATES`` updates of each arm at each length."""
    return {str(tokens): _at(folder / f"steps{tokens}", tokens, repeats) for tokens in TOKENS}


def _at(folder: Path, tokens: int, repeats: int) -> dict[str, list[float]]:
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, BATCH * UPDATES, tokens)
    arms = {}
    for index, (name, overrides) in enumerate(ARMS.items()):
        made = trainer(experiment, overrides, folder / str(index))
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
            ratio, limit = paired_ratio(values, seconds["plain"]), LIMITS.get(arm, {}).get(int(tokens))
            shown = f"{ratio:.2f}" if limit is None else verdict(ratio, limit)
            each = [value / UPDATES for value in values]
            rows.append([arm, spread(each), f"{BATCH / statistics.median(each):.0f}", shown])
        lines += [f"### {BATCH} rows of {tokens} tokens", ""]
        lines += table(["", "seconds an update, median (range)", "examples/s", "times plain"], rows)
    return lines
