"""What the scores of a finished run say about it, where they say that something is wrong."""

from __future__ import annotations

import math
from contextlib import suppress

from mtsmart.errors import MtsmartError, warn
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.runs.results import Results
from mtsmart.training.setup import Setup

_EQUAL = 1e-9  # Scores that differ by less are the same.


def tell_verdicts(setup: Setup, results: Results) -> None:
    """Warn of each task that has no score or learnt nothing, or that ended below the run which it started from.

    Args:
        setup: the parts of the finished run.
        results: its scores.
    """
    for text in (*_undefined_texts(results), *_constant_texts(results), *_worse_texts(setup, results)):
        warn(text)


def _undefined_texts(results: Results) -> list[str]:
    """The tasks whose main score the validation rows do not define."""
    scores = {} if results.last is None else results.last.tasks
    mains = {name: next(iter(metrics.items())) for name, metrics in scores.items()}
    undefined = {name: metric for name, (metric, score) in mains.items() if math.isnan(score)}
    outcome = "the score is that of the other tasks"
    if len(undefined) == len(mains):
        outcome = "the run has no score, and its last weights are kept"
    hint = "look at the labels, or put another metric first"
    return [
        f"task {name}: the validation rows do not define {metric}, so {outcome}: {hint}"
        for name, metric in undefined.items()
    ]


def _constant_texts(results: Results) -> list[str]:
    """The tasks whose main score a constant prediction reaches too."""
    texts = []
    for name, metrics in results.tasks.items():
        metric, score = next(iter(metrics.items()))
        constant = results.baselines.get(name, {}).get(metric)
        if constant is not None and score <= constant + _EQUAL:
            how = "is that of" if score > constant - _EQUAL else "is below that of"
            texts.append(
                f"task {name}: {metric} {score:.3f} {how} a constant prediction ({constant:.3f}), so nothing useful "
                "was learnt: look at labels, texts, learning rate and length of training"
            )
    return texts


def _worse_texts(setup: Setup, results: Results) -> list[str]:
    """The tasks whose best score is below that of the run from which encoder and head come."""
    texts = []
    for name, metrics in results.tasks.items():
        metric, score = next(iter(metrics.items()))
        start = _start_of(setup, name, metric)
        if start is not None and score < start - _EQUAL:
            texts.append(
                f"task {name}: fine-tuning ended at {metric} {score:.3f}, below the {start:.3f} of the run that it "
                "started from: that run's model is the better one; a lower learning rate may help"
            )
    return texts


def _start_of(setup: Setup, task: str, metric: str) -> float | None:
    """The score of the run that training started from; None if it is not known for the same head and rows."""
    init = setup.config.init
    if init is None or setup.task_types[task].head_name not in setup.kept_heads:
        return None
    with suppress(MtsmartError):
        return _stored_score(RunFolder(run_path(init.run)), setup, task, metric)
    return None


def _stored_score(run: RunFolder, setup: Setup, task: str, metric: str) -> float | None:
    earlier = run.definitions().get(task)
    present = setup.definitions[task]
    if earlier is None:
        return None
    keys = {"dataset", "text", "label", "labels", "splits", "options", "missing"}
    is_same = earlier.model_dump(include=keys) == present.model_dump(include=keys)
    return run.results().tasks.get(task, {}).get(metric) if is_same else None
