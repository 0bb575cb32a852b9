"""Measure encoder.peft beside full training, and write the table in docs/encoders.md.

    python -m benchmarks.peft

Each arm trains MiniLM in processes of its own, on rows of one length, with the trainer's own updates. Memory is a
process's peak less what it had before it loaded a model, when all libraries were loaded, peft among them: weights,
gradients, optimizer state and activations are counted. Seconds are those of updates in turns, in one process.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
from functools import partial
from pathlib import Path

import torch

from benchmarks.speed import process_memory
from benchmarks.speed.process_memory import status
from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, spread, table
from benchmarks.speed.workload import PLAIN, Arm, batches_of, fixed_length, run_updates, trainer
from mtsmart.cpu.allocator import keeping_freed_memory
from mtsmart.models.weights import trained
from mtsmart.quiet import quiet_libraries

PAGE = Path(__file__).resolve().parents[1] / "docs" / "encoders.md"
BEGIN = "<!-- peft: written by benchmarks/peft.py -->\n"
END = "<!-- peft: end -->\n"
BATCH = 32
TOKENS = 128
UPDATES = 3
REPEATS = 5
FULL = "full training"
CHECKPOINTED = "encoder.gradient_checkpointing=true"
ARMS = {
    FULL: PLAIN,
    "`peft: lora`": PLAIN.changed("encoder.peft=lora"),
    "`peft: {method: lora, targets: all}`": PLAIN.changed("encoder.peft=lora", "encoder.peft.targets=all"),
    "`peft: dora`": PLAIN.changed("encoder.peft=dora"),
    "`peft: ia3`": PLAIN.changed("encoder.peft=ia3"),
    "full training, `gradient_checkpointing: true`": PLAIN.changed(CHECKPOINTED),
    "`peft: lora`, `gradient_checkpointing: true`": PLAIN.changed("encoder.peft=lora", CHECKPOINTED),
}


def main() -> None:
    """Measure all arms, write the table."""
    quiet_libraries()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        experiment = fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH)
        peaks: dict[str, list[int]] = {name: [] for name in ARMS}
        for _ in range(3):
            for name, arm in ARMS.items():
                with multiprocessing.get_context(process_memory.START_METHOD).Pool(1) as pool:
                    peaks[name].append(pool.apply(peak, (experiment, arm, folder / "run")))
        seconds, shares = timed(experiment, folder)
    text = "\n".join(page(peaks, seconds, shares))
    put_between(PAGE, BEGIN, END, text)
    print(text)


def peak(experiment: Path, arm: Arm, folder: Path) -> int:
    """Bytes above those of the loaded libraries."""
    import peft  # noqa: F401

    torch.set_num_threads(1)
    before = status("VmRSS")
    made = trainer(experiment, arm, folder)
    with keeping_freed_memory():
        run_updates(made, batches_of(made))
    return status("VmHWM") - before


def timed(experiment: Path, folder: Path) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The seconds of an update of each arm, and the share of the encoder's parameters that it trains."""
    made = {name: trainer(experiment, arm, folder / str(number)) for number, (name, arm) in enumerate(ARMS.items())}
    batches = batches_of(made[FULL])[:1]
    with keeping_freed_memory():
        seconds = interleaved({name: partial(run_updates, one, batches) for name, one in made.items()}, REPEATS)
    shares = {}
    for name, one in made.items():
        encoder = one.setup.model.encoder
        count = sum(parameter.numel() for parameter in encoder.parameters())
        shares[name] = sum(parameter.numel() for parameter in trained(encoder).values()) / count
    return seconds, shares


def page(peaks: dict[str, list[int]], seconds: dict[str, list[float]], shares: dict[str, float]) -> list[str]:
    """What stands between the marks."""
    rows = []
    for name, share in shares.items():
        rows.append(
            [
                name,
                f"{share:.2%}",
                f"{statistics.median(peaks[name]):,.0f}",
                f"{paired_ratio(peaks[name], peaks[FULL]):.2f}",
                spread(seconds[name], 2),
                f"{paired_ratio(seconds[name], seconds[FULL]):.2f}",
            ]
        )
    head = ["`encoder`", "trained", "bytes at the peak", "times full", "seconds an update (range)", "times full"]
    return [
        *table(head, rows),
        f"all-MiniLM-L6-v2, {BATCH} rows of {TOKENS} tokens. Bytes are those above the loaded libraries, the median of "
        f"three processes after {UPDATES} updates each. {machine()}",
        "",
    ]


if __name__ == "__main__":
    main()
