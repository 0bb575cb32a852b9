"""Tasks whose rows have no labels: something else must train on them."""

from __future__ import annotations

from collections.abc import Mapping

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.tasks.definition import TaskDefinition


def check_unlabelled(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> None:
    """Refuse a task without labels for which no method is on that trains without them.

    Raises:
        ConfigError: names the task, and the methods that would do.
    """
    fitting = {name: method for name, method in REGULARIZERS.ordered().items() if method.without_labels}
    for task, definition in definitions.items():
        sections = {name: definition.parts.get(name) for name in fitting}
        is_trained = any(
            method.effect(config.parts.get(name), {task: sections[name]}) for name, method in fitting.items()
        )
        if not definition.has_labels and not is_trained:
            raise ConfigError(
                "its rows have no labels, and no method that trains without them is on, so nothing would be learnt "
                "from them",
                key=f"tasks.{task}.label",
                value=None,
                hint=f"Switch on one of {', '.join(fitting)}, or leave the task out",
            )
