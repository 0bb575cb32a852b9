"""Say where the time of an update goes, by kinds of operators, and write the table in docs/performance.md.

    python -m benchmarks.update_profile [--updates 4] [--precision float32 bfloat16]

Profiles updates with SMART and MBPP, one-pass direction, on all-MiniLM-L6-v2, 32 rows of 64 tokens, one thread. The
page has a table for each instruction set on which this was run; a run replaces the table of its own set alone.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.timing import machine, table
from benchmarks.speed.workload import ONE_PASS, TEACHER, batches_of, fixed_length, run_updates, trainer
from mtsmart.hardware import PRECISIONS, processor_flags
from mtsmart.quiet import quiet_libraries

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
END = "<!-- profiles: end -->\n"
BATCH = 32  # rows
TOKENS = 64  # of each row
# From the widest set down; the first that the processor has names its table.
INSTRUCTION_SETS = {
    "amx_bf16": "AMX",
    "avx512_bf16": "AVX-512 with bfloat16",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "asimd": "NEON",
}
KINDS = {
    "matrix products": r"aten::(mm|addmm|bmm|baddbmm|mkldnn\w*|_mkldnn\w*)",
    "attention": r"aten::(_scaled_dot_product\w*|_safe_softmax|_softmax\w*)",
    "activations": r"aten::(gelu\w*|relu\w*|silu\w*|tanh\w*)",
    "normalisation": r"aten::native_layer_norm\w*",
    "random numbers": r"aten::(random_|bernoulli\w*|native_dropout\w*|uniform_|normal_|lt)",
    "copies and casts": r"aten::(copy_|_to_copy|clone|cat|contiguous|fill_|zero_)",
    "optimizer and moving average": r"(aten::(_fused_adamw_|lerp_|_foreach\w*)|Optimizer.*)",
}
REST = "other elementwise work and sums"
BETWEEN = "Python, dispatch and autograd"


def main() -> None:
    """Measure, write the page."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--updates", type=int, default=4, help="profiled updates, after as many unprofiled ones")
    parser.add_argument("--precision", choices=PRECISIONS, nargs="+", default=["float32"])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    columns = {precision: shares(precision, asked.updates) for precision in asked.precision}
    name = instruction_set(processor_flags())
    text = "\n".join([f"**{name}.** {machine()}", "", *rows_of(columns), ""])
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    print(text)


def instruction_set(flags: Iterable[str]) -> str:
    """The widest set of instructions among a processor's flags, in words."""
    known = set(flags)
    return next((name for flag, name in INSTRUCTION_SETS.items() if flag in known), "another instruction set")


def shares(precision: str, updates: int, encoder: Path | None = None) -> dict[str, float]:
    """Seconds of an update by kinds of work.

    Args:
        precision: ``float32`` or ``bfloat16``.
        updates: how many are profiled.
        encoder: what is trained; None: all-MiniLM-L6-v2.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        experiment = fixed_length(folder, BATCH * updates, TOKENS, BATCH, encoder)
        arm = (ONE_PASS + TEACHER).changed(f"training.precision={precision}")
        made = trainer(experiment, arm, folder / "run")
        batches = batches_of(made)
        run_updates(made, batches)
        start = time.perf_counter()
        with profile(activities=[ProfilerActivity.CPU]) as recorded:
            run_updates(made, batches)
        total = time.perf_counter() - start
    found = by_kind(recorded.key_averages())
    found[BETWEEN] += total - sum(found.values())
    return {kind: seconds / updates for kind, seconds in found.items()}


def by_kind(events: Iterable[FunctionEventAvg]) -> dict[str, float]:
    """Seconds of each kind of operator, without those of the operators that it calls."""
    found = dict.fromkeys([*KINDS, REST, BETWEEN], 0.0)
    for event in events:
        found[kind_of(str(event.key))] += event.self_cpu_time_total / 1e6
    return found


def kind_of(operator: str) -> str:
    """The kind of work that an operator, named as torch's profiler names it, does."""
    for kind, pattern in KINDS.items():
        if re.fullmatch(pattern, operator):
            return kind
    return REST if operator.startswith("aten::") else BETWEEN


def rows_of(columns: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The table: a row a kind, the largest first, and a column a precision."""
    first = next(iter(columns.values()))
    cells = []
    totals = {precision: sum(found.values()) for precision, found in columns.items()}
    for kind in sorted(first, key=lambda kind: -first[kind]):
        cells.append([kind, *(f"{100 * columns[name][kind] / totals[name]:.1f} %" for name in columns)])
    cells.append(["seconds an update", *(f"{total:.2f}" for total in totals.values())])
    return table(["share of an update", *columns], cells)


def with_table(page: str, name: str, text: str) -> str:
    """The page with this text as the table of an instruction set; the tables of other sets stay.

    Raises:
        ValueError: the page lacks the mark behind which new tables come.
    """
    begin = f"<!-- profile: {name} -->\n"
    if begin not in page:
        before, mark, after = page.partition(END)
        if not mark:
            raise ValueError(f"the page lacks the mark {END.strip()}")
        return before + begin + text + mark + after
    before, _, rest = page.partition(begin)
    following = re.search(r"<!-- profiles?: ", rest)
    if following is None:
        raise ValueError(f"the page lacks the mark {END.strip()}")
    return before + begin + text + rest[following.start() :]


if __name__ == "__main__":
    main()
