"""Interleaved timing, the tables made of it, and their place in a page."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mtsmart.hardware import processor_name


def interleaved(
    arms: Mapping[str, Callable[[], Any]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each arm, ``repeats`` times, after one unmeasured round; the order turns with each round."""
    names = list(arms)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for repeat in range(repeats + 1):
        turn = repeat % len(names)
        for name in names[turn:] + names[:turn]:
            start = clock()
            arms[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if repeat:
                seconds[name].append(clock() - start)
    return seconds


def paired_ratio(seconds: Sequence[float], base: Sequence[float]) -> float:
    """Median of the ratios within the rounds: if the machine is slow for a while, both sides are slow."""
    return statistics.median(a / b for a, b in zip(seconds, base, strict=True))


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median (smallest to largest)."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a page.

    Args:
        page: the file; it keeps everything else.
        begin, end: the marks, which stay.
        text: the new content; it ends with a newline if ``end`` begins a line.

    Raises:
        ValueError: the page lacks a mark; the text would then be added at its end each time.
    """
    before, has_begin, rest = page.read_text(encoding="utf-8").partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        missing = end if has_begin else begin
        raise ValueError(f"{page}: lacks the mark {missing.strip()}")
    page.write_text(before + begin + text + end + after, encoding="utf-8")


def verdict(value: float, limit: float, at_least: bool = False, unit: str = "times") -> str:
    """The value, the limit, and whether the value meets it."""
    met = value >= limit if at_least else value <= limit
    wanted = f"{'at least' if at_least else 'at most'} {limit:g} {unit}"
    return f"**{value:.2f}** {unit} ({wanted}: {'met' if met else 'NOT met'})"


def machine() -> str:
    """Processor, device, threads and versions."""
    libraries = ("torch", "transformers", "accelerate", "datasets", "tokenizers", "mtsmart")
    found = ", ".join(f"{name} {version(name)}" for name in libraries if _installed(name))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{processor_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {device}; {found}."


def _installed(name: str) -> bool:
    try:
        version(name)
    except ImportError:
        return False
    return True
