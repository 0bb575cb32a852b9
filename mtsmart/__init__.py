"""mtsmart: multi-task NLU fine-tuning with SMART and MBPP.

>>> import mtsmart
>>> run = mtsmart.train("quickstart")                                            # doctest: +SKIP
>>> run.load().predict("quick_attitude", [{"text": "Not bad at all."}])          # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "train": "mtsmart.api",
    "finetune": "mtsmart.api",
    "export": "mtsmart.api",
    "sweep": "mtsmart.sweeps.sweep",
    "load": "mtsmart.api",
    "load_tasks": "mtsmart.api",
    "Run": "mtsmart.api",
    "LoadedRun": "mtsmart.evaluation.loaded",
    "TaskDefinition": "mtsmart.tasks.definition",
    "MtsmartError": "mtsmart.errors",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import mtsmart`` and ``mtsmart --help`` stay fast."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mtsmart' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(_PUBLIC)
