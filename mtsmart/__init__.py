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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # For editors and type checkers; a program imports each name at its first use.
    from mtsmart.api import export as export
    from mtsmart.api import finetune as finetune
    from mtsmart.api import load as load
    from mtsmart.api import load_tasks as load_tasks
    from mtsmart.api import merge as merge
    from mtsmart.api import push as push
    from mtsmart.api import report as report
    from mtsmart.api import train as train
    from mtsmart.errors import MtsmartError as MtsmartError
    from mtsmart.evaluation.loaded import LoadedRun as LoadedRun
    from mtsmart.running import Run as Run
    from mtsmart.runs.interrupt import Interrupted as Interrupted
    from mtsmart.suites.report import evaluate_suite as evaluate_suite
    from mtsmart.suites.submit import submit as submit
    from mtsmart.sweeps.sweep import sweep as sweep
    from mtsmart.tasks.definition import TaskDefinition as TaskDefinition

    __version__: str

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
    "Interrupted": "mtsmart.runs.interrupt",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import mtsmart`` and ``mtsmart --help`` stay fast."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version(__name__)
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mtsmart' has no attribute '{name}'")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*_PUBLIC, "__version__"])
