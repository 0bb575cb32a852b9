"""The model card of an exported task: what it is, how it scored, how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mtsmart.models.export import Exported
from mtsmart.tasks.definition import TaskDefinition

# transformers 5 has no pipeline for the other kinds; they are loaded as a model and a tokenizer.
_PIPELINES = {
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
    "AutoModelForMaskedLM": "fill-mask",
}


def model_card(
    exported: Exported,
    name: str,
    definition: TaskDefinition,
    *,
    encoder: str,
    labels: list[str] | None,
    max_length: int,
    scores: Mapping[str, float],
    decoding: Mapping[str, Any],
    problem_type: str | None,
    rule: str | None = None,
) -> str:
    """README.md of an exported model.

    Args:
        exported: what was written where.
        name: the task's name.
        definition: its definition.
        encoder: what the run's encoder started from.
        labels: names of the outputs.
        max_length: tokens that inputs are cut to.
        scores: metric -> value on validation; empty if the run has none.
        decoding: what was found on validation for decoding, such as a threshold.
        problem_type: Hugging Face's name of what the head was trained for.
        rule: how outputs become predictions, where their names do not say it.
    """
    pipeline = _PIPELINES.get(exported.auto_class)
    described = f" ({definition.description})" if definition.description else ""
    facts = [
        f"- Task: `{name}`, {definition.task_type}{described}",
        f"- Input: {' and '.join(definition.text)}, cut to {max_length} tokens",
        f"- Base encoder: `{encoder}`",
        *([f"- {'Outputs' if rule else 'Labels'}: {', '.join(labels)}"] if labels else []),
        *([f"- Decoding: {rule}"] if rule else []),
        *([f"- Problem type: {problem_type}"] if problem_type else []),
        *([f"- Options: `{json.dumps(definition.options)}`"] if definition.options else []),
        *([f"- Found on validation for decoding: `{json.dumps(decoding)}`"] if decoding else []),
    ]
    header = [
        "---",
        "library_name: transformers",
        *([f"pipeline_tag: {pipeline}"] if pipeline else []),
        "tags: [mtsmart]",
        "---",
    ]
    table = ["| metric | score |", "|---|---|", *(f"| {metric} | {value:.4f} |" for metric, value in scores.items())]
    return "\n".join(
        [
            *header,
            "",
            f"# {name}",
            "",
            f"One task of a multi-task model trained with mtsmart, as `{exported.architecture}`.",
            "",
            *facts,
            "",
            *(["Scores of the best evaluation, on the validation split:", "", *table, ""] if scores else []),
            "## Use",
            "",
            "```python",
            *_code(exported, pipeline, len(definition.text), problem_type),
            "```",
            "",
        ]
    )


def _code(exported: Exported, pipeline: str | None, texts: int, problem_type: str | None) -> list[str]:
    """Three lines that load the model, from beside its folder."""
    folder = json.dumps(exported.folder.name)
    if pipeline is None:
        return [
            f"from transformers import {exported.auto_class}, AutoTokenizer",
            f"tokenizer = AutoTokenizer.from_pretrained({folder})",
            f"model = {exported.auto_class}.from_pretrained({folder})",
        ]
    several = ", top_k=None" if problem_type == "multi_label_classification" else ""
    options = f", truncation=True{several}" if pipeline == "text-classification" else ""
    example = '"..."' if texts == 1 else '{"text": "...", "text_pair": "..."}'
    return [
        "from transformers import pipeline",
        f"predict = pipeline({json.dumps(pipeline)}, {folder}{options})",
        f"print(predict({example}))",
    ]
