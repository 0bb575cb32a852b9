"""What a run's regularisers were, in words."""

from __future__ import annotations

from collections.abc import Mapping

from mtsmart.config.regularizers import REGULARIZERS, Method
from mtsmart.config.sections import RunConfig
from mtsmart.tasks.definition import TaskDefinition


def summaries(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> list[str]:
    """One sentence for each regulariser that is on; tasks are named where their settings differ."""
    parts = [config.parts, *(definition.parts for definition in definitions.values())]
    sentences = [_summary(method, config, definitions) for method in REGULARIZERS.named_in(parts).values()]
    return [sentence for sentence in sentences if sentence] or ["No regulariser was on."]


def _summary(method: type[Method], config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> str:
    tasks: dict[str, list[str]] = {}
    for task, definition in definitions.items():
        settings = method.resolve(config.parts.get(method.name), definition.parts.get(method.name))
        if settings is not None and settings.is_on:
            tasks.setdefault(method.summary(settings), []).append(task)
    if not tasks:
        return ""
    first = next(iter(tasks.values()))
    everywhere = len(first) == len(definitions)
    texts = [text if everywhere else f"{text} ({', '.join(names)})" for text, names in tasks.items()]
    return f"{method.text.title}: {'; '.join(texts)}."
