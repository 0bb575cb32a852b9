"""Which tasks of a run read the same texts, and so have their batches and passes of the encoder together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from mtsmart.config.sections import RunConfig
from mtsmart.data.joined.rows import Joined, join
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.regularizers import check_joined

_READS_ONE_TEXT = ("sequence_classification",)  # kinds of heads that read one sequence of tokens, as it is


def joined_tasks(config: RunConfig, tasks: Mapping[str, PreparedTask], model: MultiTaskModel) -> tuple[Joined, ...]:
    """The groups of trained tasks that share their batches (``mixing.one_pass``); a warning where there are none.

    Raises:
        ConfigError: the rest of the experiment does not go with them.
    """
    if not config.mixing.one_pass:
        return ()
    if model.encoder.own_heads:
        raise ConfigError("does not go with adapters of each task (encoder.peft.per_task)", key="mixing.one_pass")
    splits = {
        name: task.train
        for name, task in tasks.items()
        if task.train is not None and task.train.sequences is None and task.type.head_spec.kind in _READS_ONE_TEXT
    }
    groups = join(splits)
    waiting = [name for group in groups for name in group.tasks if tasks[name].definition.patience is not None]
    if waiting:
        message = "does not go with mixing.one_pass, which draws the task together with others"
        raise ConfigError(message, key=f"tasks.{waiting[0]}.patience", value=tasks[waiting[0]].definition.patience)
    check_joined(config, {name: task.definition for name, task in tasks.items()}, [group.tasks for group in groups])
    if not groups:
        text = "mixing.one_pass=true: no two tasks with one label a text read the same texts, so it has no effect"
        warnings.warn(text, MtsmartWarning, stacklevel=3)
    return tuple(groups)
