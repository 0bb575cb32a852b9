"""Measure speed and memory, and write benchmarks/RESULTS.md.

    python -m benchmarks.bench [PART ...] [--repeats N]

Without parts all are measured, in this one process (memory in processes of its own). The figures are kept in
benchmarks/results.json, and the page is written from that file; so a part can be measured again alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.speed import (
    bare,
    data_scale,
    gpu,
    memory,
    methods,
    mix,
    one_pass,
    padding,
    precision,
    startup,
    step_cost,
)
from benchmarks.speed.timing import machine
from mtsmart.cpu.allocator import keeping_freed_memory
from mtsmart.errors import MtsmartError
from mtsmart.quiet import quiet_libraries

HERE = Path(__file__).resolve().parent
PARTS: dict[str, tuple[Callable[[Path, int], Any], Callable[[Any], list[str]]]] = {
    "bare": (bare.measure, bare.page),
    "steps": (step_cost.measure, step_cost.page),
    "methods": (methods.measure, methods.page),
    "precision": (precision.measure, precision.page),
    "mix": (mix.measure, mix.page),
    "one_pass": (one_pass.measure, one_pass.page),
    "padding": (padding.measure, padding.page),
    "memory": (memory.measure, memory.page),
    "data": (data_scale.measure, data_scale.page),
    "gpu": (gpu.measure, gpu.page),
    "startup": (startup.measure, startup.page),
}

ONCE = ("padding", "gpu")  # padding is counted, not timed; gpu states its repetitions in its section


def main() -> None:
    """Measure the parts that the command line names, then write the page."""
    parser = argparse.ArgumentParser(description="Measure speed and memory; write benchmarks/RESULTS.md.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--repeats", type=int, default=5, help="measured rounds (default 5)")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part '{unknown[0]}'; choose from {', '.join(PARTS)}")
    stored = HERE / "results.json"
    results = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        for part in arguments.parts or PARTS:
            start = time.perf_counter()
            with keeping_freed_memory():  # As in a training run, for both sides of each comparison.
                measured = PARTS[part][0](Path(scratch) / part, arguments.repeats)
            took = time.perf_counter() - start
            results[part] = {"machine": machine(), "repeats": arguments.repeats, "seconds": took, "measured": measured}
            stored.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(f"{part}: {took:.0f} s", flush=True)
    text = page(results)
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def page(results: dict[str, Any]) -> str:
    """RESULTS.md."""
    lines = [
        "# Speed and memory",
        "",
        "Written by `make bench` (`python -m benchmarks.bench`) from benchmarks/results.json. Arms are interleaved in "
        "one process after an unmeasured round; medians, smallest and largest of the rounds. Shares of time, padding "
        "and first starts are measured once. The model is all-MiniLM-L6-v2 (6 layers, 22.7 million parameters) in "
        "float32 unless said otherwise. Sections were measured at different times, and some on different machines: "
        "each names its own below its tables, so compare figures within a section only. Behind some figures stands "
        "the bound that the project has set itself, and whether it is met.",
        "",
    ]
    for part, (_, section) in PARTS.items():
        if part in results:
            found = results[part]
            lines += section(found["measured"])
            rounds = "" if part in ONCE else f"{found['repeats']} rounds, {found['seconds'] / 60:.0f} minutes in all. "
            lines += [f"{rounds}{found['machine']}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    quiet_libraries()
    try:
        main()
    except MtsmartError as error:  # Most often a data set is missing.
        sys.exit(str(error))
