"""Which tasks may have perturbed texts."""

from __future__ import annotations

from mtsmart.data.perturbations import PERTURBATIONS
from mtsmart.errors import ConfigError
from mtsmart.task_types.interface.base import TASK_TYPES, TaskType
from mtsmart.task_types.shared.sequence import SequenceTask


def check_perturbation(task: TaskType) -> None:
    """Refuse ``dataset.perturb`` where labels may be places in the texts, and a kind that there is not.

    Raises:
        ConfigError: names the task types whose labels are about a row as a whole, or the nearest kind.
    """
    config = task.definition.dataset.perturb
    if config is None:
        return
    key = f"{task.name}.dataset.perturb"
    if not isinstance(task, SequenceTask):
        kinds = ", ".join(name for name in TASK_TYPES if issubclass(TASK_TYPES[name], SequenceTask))
        message = f"is for tasks whose labels are about the texts as a whole ({kinds})"
        raise ConfigError(f"{message}, not for task type '{task.definition.task_type}'", key=key, value=config.kind)
    try:
        PERTURBATIONS[config.kind]
    except ConfigError as error:
        raise ConfigError(error.message, key=key, value=error.value, hint=error.hint) from None
