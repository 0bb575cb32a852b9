"""Which tasks of a run read the same texts, and so have their batches and passes of the encoder together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mtsmart.config.sections import RunConfig
from mtsmart.data.joined.rows import Joined, join
from mtsmart.errors import ConfigError, warn
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.regularizers import check_joined
from mtsmart.regularizers.shared.all_methods import in_use
from mtsmart.regularizers.shared.base import places_of
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.weighting import WEIGHTINGS, Weighting

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
    definitions = {name: task.definition for name, task in tasks.items()}
    check_joined(config, definitions, [group.tasks for group in groups])
    if groups:
        _check_gradients_apart(config, definitions)
    else:
        text = "mixing.one_pass=true: no two tasks with one label a text read the same texts, so it has no effect"
        warn(text)
    return tuple(groups)


def _check_gradients_apart(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> None:
    """Refuse a weighting on the gradient of each task where a method's own gradients of several tasks come at once."""
    if not cast(type[Weighting[Any]], WEIGHTINGS[config.weighting.name]).needs_task_gradients:
        return
    for method, settings in in_use(config, definitions):
        if method.differentiates and settings:
            message = f"does not go with weighting={config.weighting.name} and mixing.one_pass=true together"
            hint = (
                "The weighting could not tell whose gradients the method's own passes have. Leave one of the three out"
            )
            raise ConfigError(message, key=places_of(method, config.parts, definitions).method_key, hint=hint)
