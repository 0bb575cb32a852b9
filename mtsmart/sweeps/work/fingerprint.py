"""The hash by which a sweep knows a run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtsmart.config.loader import Experiment
from mtsmart.config.open_section import PARTS
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.sections import RunConfig
from mtsmart.config.transforms import COUNTED_WHEN_OFF
from mtsmart.config.weightings import DEFAULT_WEIGHTING
from mtsmart.runs.changes import HARMLESS
from mtsmart.tasks import TaskDefinition
from mtsmart.user_paths import moved_along

OF_SWEEPS = ("grid", "folds", "search")
"""The keys of a file that make it the file of a sweep."""


def fingerprint(experiment: Experiment, tasks: Mapping[str, TaskDefinition], start: str | None = None) -> str:
    """The SHA-256 of everything except the seed that determines a run's result. Defaults and presets are included.

    The paths of data files and encoders are included, not their content. Those below the experiment's project are
    relative to the experiment's folder, so a ledger stays valid where the project moves.

    Args:
        experiment: what is trained.
        tasks: the definitions of its tasks.
        start: the hash of the run that it starts from; None if it starts from an encoder.
    """
    config = experiment.config
    data = config.model_dump(exclude={"name", "tasks", "task_files", *OF_SWEEPS, PARTS})
    data["tasks"] = {name: definition.model_dump(exclude={"description", PARTS}) for name, definition in tasks.items()}
    data |= _methods(config, tasks)
    data["encoder"] = dict.fromkeys(COUNTED_WHEN_OFF) | data["encoder"]
    # Older ledgers have no such settings, and their hashes must stay valid.
    if config.weighting.name == DEFAULT_WEIGHTING:
        del data["weighting"]
    if not config.mixing.one_pass:
        del data["mixing"]["one_pass"]
    for definition in data["tasks"].values():
        if definition["patience"] is None:
            del definition["patience"]
        for later in ("perturb", "group_column"):
            if definition["dataset"][later] is None:
                del definition["dataset"][later]
    del data["training"]["seed"]
    for key in HARMLESS:
        section, _, name = key.partition(".")
        data[section].pop(name) if name else data.pop(section)
    if len(tasks) > 1:  # The order of the tasks determines the batches and the initial weights of the heads.
        data["task_order"] = list(tasks)
    if start is not None:
        data["init"]["run"] = start
    folder = Path(experiment.document.origin(()).file).absolute().parent
    return hashlib.sha256(json.dumps(moved_along(data, folder), sort_keys=True).encode()).hexdigest()


def _methods(config: RunConfig, tasks: Mapping[str, TaskDefinition]) -> dict[str, Any]:
    """The complete settings of each regulariser that the experiment or a task names."""
    named = REGULARIZERS.named_in([config.parts, *(definition.parts for definition in tasks.values())])
    found = {}
    for name, method in REGULARIZERS.ordered().items():
        if name in named or method.counts_when_off:
            of_tasks = {task: definition.parts.get(name) for task, definition in tasks.items()}
            found[name] = method.identity(config.parts.get(name), of_tasks)
    return found
