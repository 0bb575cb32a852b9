"""mtsmart: multi-task NLU fine-tuning with SMART and MBPP.

>>> import mtsmart
>>> run = mtsmart.train("quickstart")                                            # doctest: +SKIP
>>> run.load().predict("quick_attitude", [{"text": "Not bad at all."}])          # doctest: +SKIP
"""

import sys

# `python -m mtsmart` puts the working directory first on the path, and nothing there is to be imported. Python imports
# this module before mtsmart.__main__, so the folder is taken off here, before any other import.
if sys.argv[:1] == ["-m"] and "mtsmart" in sys.orig_argv and not sys.flags.safe_path:
    del sys.path[0]

import importlib
from typing import Any

_PUBLIC = {
    "train": "mtsmart.api",
    "finetune": "mtsmart.api",
    "merge": "mtsmart.api",
    "export": "mtsmart.api",
    "push": "mtsmart.api",
    "submit": "mtsmart.suites.submit",
    "evaluate_suite": "mtsmart.suites.report",
    "sweep": "mtsmart.sweeps.sweep",
    "report": "mtsmart.api",
    "load": "mtsmart.api",
    "load_tasks": "mtsmart.api",
    "Run": "mtsmart.running",
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
