"""Measure encoder.peft beside full training, and write the table in docs/encoders.md.

    python -m benchmarks.peft

Each arm trains MiniLM, and some a random model of BERT-base's size, in processes of their own, on rows of one length,
with the trainer's own updates. Memory is a process's peak less what it had after the same arm trained a tiny model,
when all libraries were loaded: weights, gradients, optimizer state and activations are counted. Seconds are those of
updates in turns, in one process.
"""

from __future__ import annotations

import gc
import multiprocessing
import tempfile
from functools import partial
from pathlib import Path

import torch
from transformers import BertConfig

from benchmarks.speed import process_memory
from benchmarks.speed.gpu import random_model
from benchmarks.speed.process_memory import status
from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, spread, table
from benchmarks.speed.workload import PLAIN, Arm, batches_of, fixed_length, run_updates, trainer
from mtsmart.cpu.allocator import keep_freed_memory, keeping_freed_memory, memory_of_updates
from mtsmart.data.batch import Batch
from mtsmart.models.weights import trained
from mtsmart.quiet import quiet_libraries
from mtsmart.training.trainer import Trainer

PAGE = Path(__file__).resolve().parents[1] / "docs" / "encoders.md"
BEGIN = "<!-- peft: written by benchmarks/peft.py -->\n"
END = "<!-- peft: end -->\n"
BATCH = 32
TOKENS = 128
UPDATES = 3
REPEATS = 5
FULL = "full training"
LORA = "`peft: lora`"
LORA_CHECKPOINTED = "`peft: lora`, `gradient_checkpointing: true`"
CHECKPOINTED = "encoder.gradient_checkpointing=true"
ARMS = {
    FULL: PLAIN,
    LORA: PLAIN.changed("encoder.peft=lora"),
    "`peft: {method: lora, targets: all}`": PLAIN.changed("encoder.peft=lora", "encoder.peft.targets=all"),
    "`peft: dora`": PLAIN.changed("encoder.peft=dora"),
    "`peft: ia3`": PLAIN.changed("encoder.peft=ia3"),
    "full training, `gradient_checkpointing: true`": PLAIN.changed(CHECKPOINTED),
    LORA_CHECKPOINTED: PLAIN.changed("encoder.peft=lora", CHECKPOINTED),
}

OF_BASE = (FULL, LORA, LORA_CHECKPOINTED)
TINY = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)


def main() -> None:
    """Measure all arms, write the table."""
    quiet_libraries()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        experiment = fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH)
        tiny = of_random_model(folder / "tiny", TINY)
        peaks = {name: measured(experiment, tiny, name, folder) for name in ARMS}
        base = of_random_model(folder / "base", BertConfig())
        of_base = {name: measured(base, tiny, name, folder) for name in OF_BASE}
        seconds, shares = timed(experiment, folder)
    text = "\n".join([*page(peaks, seconds, shares), *page_of_base(of_base)])
    put_between(PAGE, BEGIN, END, text)
    print(text)


def of_random_model(folder: Path, size: BertConfig) -> Path:
    """An experiment with a random model and as many rows as the other experiment has."""
    folder.mkdir()
    return fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH, random_model(folder / "encoder", size))


def measured(experiment: Path, tiny: Path, arm: str, folder: Path) -> int:
    """The peak of an arm, in a process of its own."""
    with multiprocessing.get_context(process_memory.START_METHOD).Pool(1) as pool:
        return pool.apply(peak, (experiment, tiny, ARMS[arm], folder / "run"))


def peak(experiment: Path, tiny: Path, arm: Arm, folder: Path) -> int:
    """Bytes above those of the loaded libraries, some of which are loaded only in a first update."""
    torch.set_num_threads(1)
    train(tiny, arm, folder)
    gc.collect()
    before = status("VmRSS")
    train(experiment, arm, folder)
    return status("VmHWM") - before


def train(experiment: Path, arm: Arm, folder: Path) -> None:
    """All updates of an arm."""
    made = trainer(experiment, arm, folder)
    with memory_of_updates(on_cpu=True, is_scarce=made.setup.model.encoder.recomputes):
        run_updates(made, batches_of(made))


def timed(experiment: Path, folder: Path) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The seconds of an update of each arm, and the share of the encoder's parameters that it trains."""
    made = {name: trainer(experiment, arm, folder / str(number)) for number, (name, arm) in enumerate(ARMS.items())}
    batches = batches_of(made[FULL])[:1]
    with keeping_freed_memory():
        seconds = interleaved({name: partial(updates, one, batches) for name, one in made.items()}, REPEATS)
    shares = {}
    for name, one in made.items():
        encoder = one.setup.model.encoder
        count = sum(parameter.numel() for parameter in encoder.parameters())
        shares[name] = sum(parameter.numel() for parameter in trained(encoder).values()) / count
    return seconds, shares


def updates(made: Trainer, batches: list[Batch]) -> None:
    """One update a batch; where memory is scarce, what is freed goes back, as in a run."""
    if not made.setup.model.encoder.recomputes:
        run_updates(made, batches)
        return
    with memory_of_updates(on_cpu=True, is_scarce=True):
        run_updates(made, batches)
    keep_freed_memory()  # as the other arms need it


def page(peaks: dict[str, int], seconds: dict[str, list[float]], shares: dict[str, float]) -> list[str]:
    """What stands between the marks."""
    rows = []
    for name, share in shares.items():
        rows.append(
            [
                name,
                f"{share:.2%}",
                f"{peaks[name]:,}",
                f"{peaks[name] / peaks[FULL]:.2f}",
                spread(seconds[name], 2),
                f"{paired_ratio(seconds[name], seconds[FULL]):.2f}",
            ]
        )
    head = ["`encoder`", "trained", "bytes at the peak", "times full", "seconds an update (range)", "times full"]
    return [
        *table(head, rows),
        f"all-MiniLM-L6-v2, {BATCH} rows of {TOKENS} tokens. Bytes are those above the loaded libraries, after "
        f"{UPDATES} updates in a process of its own. {machine()}",
        "",
    ]


def page_of_base(peaks: dict[str, int]) -> list[str]:
    """The same memory, of a larger encoder."""
    rows = [[name, f"{found:,}", f"{found / peaks[FULL]:.2f}"] for name, found in peaks.items()]
    return [
        f"A random model of BERT-base's size, {BATCH} rows of {TOKENS} tokens, one process each:",
        "",
        *table(["`encoder`", "bytes at the peak", "times full"], rows),
    ]


if __name__ == "__main__":
    main()
