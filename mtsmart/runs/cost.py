"""What a run has cost, for timing.jsonl."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import torch

from mtsmart.hardware import installed_version

_LIBRARIES = ("mtsmart", "torch", "transformers", "datasets", "numpy")


def cost_record(update: int, is_finished: bool, seconds: float, device: torch.device) -> dict[str, Any]:
    """The line of timing.jsonl: time, memory, device, when training ended, and versions.

    Args:
        update: how many updates are done.
        is_finished: whether nothing is left to train.
        seconds: of this process's training, with evaluations and resume points.
        device: where the model was trained.

    Returns:
        JSON types. ``peak_memory`` is in bytes: that of the GPU, or else all memory of the process. None: not known.
    """
    return {
        "update": update,
        "seconds": round(seconds, 3),
        "device": str(device),
        "finished": is_finished,
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "peak_memory": _peak_memory(device),
        "versions": {name: installed_version(name) or "(not installed)" for name in _LIBRARIES},
    }


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB.
