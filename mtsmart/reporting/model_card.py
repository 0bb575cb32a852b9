"""The model card of an exported task. It says what the model is, how it scored and how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mtsmart.config.document import dump_yaml
from mtsmart.models.export_folder import Exported
from mtsmart.models.pooling import SENTENCE_TRANSFORMER
from mtsmart.reporting.hub_metadata import ScoredTask, hub_metadata
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.text.escaping import code_span, markdown
from mtsmart.text.json_text import json_text
from mtsmart.text.scores import score_text

# transformers 5 has no pipeline for the other classes, so their users load a model and a tokenizer.
_PIPELINES = {
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
    "AutoModelForMaskedLM": "fill-mask",
}
_CHOICE = "AutoModelForMultipleChoice"
_SENTENCE_PACKAGE = "sentence_transformers"
_MODULES_TEXT = [
    "The outputs are logits, or the number itself for regression. transformers loads the encoder without",
    "sentence-transformers: `AutoModel`. The head is then the pooling that 1_Pooling/config.json names, and the linear",
    "layers in 2_Dense and the folders after it. Its classes for tasks, such as `AutoModelForSequenceClassification`,",
    "do not know this head and would draw another one at random.",
    "",
]


@dataclass(frozen=True)
class ModelCard:
    """The content of an exported model's card.

    Attributes:
        name: the task's name.
        definition: the task's definition.
        encoder: the pretrained encoder with which the run started.
        labels: the names of the outputs; None if they have no names.
        max_length: inputs are cut to this number of tokens.
        scores: metric -> value on validation; empty if the run has no scores.
        decoding: values for decoding that were fitted on validation, such as a threshold.
        problem_type: Hugging Face's name of the loss with which the head was trained.
        recipe: one short text about length and optimizer, one for each transform of the encoder, one for the mixing and
            one for the weighting.
        rule: how outputs become predictions; None if the names of the outputs say this.
        baselines: metric -> score of the best constant prediction on validation, as far as it is known.
        others: the tasks with which it was trained.
        versions: the libraries, in one line.
        candidates: the columns of the candidates, of which each makes a pair with the text; empty if there are none.
        row: the columns that the task reads, with values that show their form.
        is_cut: whether an input that is too long is cut; else it is read in parts.
    """

    name: str
    definition: TaskDefinition
    encoder: str
    labels: list[str] | None
    max_length: int
    scores: Mapping[str, float]
    decoding: Mapping[str, Any]
    problem_type: str | None
    recipe: Sequence[str] = ()
    rule: str | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    others: Sequence[str] = ()
    versions: str = ""
    candidates: Sequence[str] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    is_cut: bool = True

    def text(self, exported: Exported) -> str:
        """The text of the exported model's README.md."""
        pipeline = _PIPELINES.get(exported.auto_class)
        is_modules = exported.auto_class == SENTENCE_TRANSFORMER
        lines = [
            "---",
            dump_yaml(self._metadata(pipeline, exported)).rstrip(),
            "---",
            "",
            f"# {markdown(self.name)}",
            "",
            self._origin(exported.architecture),
            "",
            *self.facts(),
            "",
            *self.score_table(),
            "## Use",
            "",
            "```python",
            *self._code(exported, pipeline),
            "```",
            "",
            *(_MODULES_TEXT if is_modules else []),
            *(_code_text(exported.code) if exported.code else []),
            *([exported.note, ""] if exported.note else []),
        ]
        return "\n".join(lines)

    def _metadata(self, pipeline: str | None, exported: Exported) -> dict[str, Any]:
        tasks = [ScoredTask(self.name, self.definition, self.scores)]
        return hub_metadata(_library(exported), self.name, self.encoder, tasks, pipeline=pipeline)

    def _code(self, exported: Exported, pipeline: str | None) -> list[str]:
        """Some lines of Python that load the model. The user runs them in the folder above the model's folder."""
        texts = 2 if self.candidates else len(self.definition.text)
        if exported.auto_class == SENTENCE_TRANSFORMER and self.candidates:
            return _candidates_modules_code(exported)
        if exported.auto_class == _CHOICE:
            return _candidates_code(exported)
        if exported.auto_class == SENTENCE_TRANSFORMER:
            return _modules_code(exported, texts, self.labels)
        return _code(exported, pipeline, texts, self.problem_type)

    def facts(self) -> list[str]:
        """What the task is and how it was trained, a line each."""
        definition = self.definition
        tokens = f"{self.max_length} tokens"
        limit = f"cut to {tokens}" if self.is_cut else f"at most {tokens} at once"
        described = f" ({definition.description})" if definition.description.strip() else ""
        facts = [
            f"- Task: {code_span(self.name)}, {markdown(definition.task_type + described)}",
            f"- Input: {self._input()}, {limit}",
            f"- Base encoder: {code_span(self.encoder)}",
        ]
        facts += [f"- Training: {markdown(text)}" for text in self.recipe]
        if self.versions:
            facts.append(f"- Versions: {markdown(self.versions)}")
        if self.labels:
            are_outputs = self.rule and self.labels != definition.labels
            facts.append(f"- {'Outputs' if are_outputs else 'Labels'}: {', '.join(map(markdown, self.labels))}")
        if self.rule:
            facts.append(f"- Decoding: {markdown(self.rule)}")
        if self.problem_type:
            facts.append(f"- Problem type: {markdown(self.problem_type)}")
        if definition.options:
            facts.append(f"- Options: {code_span(json_text(definition.options))}")
        if self.decoding:
            facts.append(f"- Found on validation for decoding: {code_span(json_text(self.decoding))}")
        return facts

    def _input(self) -> str:
        """What the model reads, as Markdown."""
        texts = markdown(" and ".join(self.definition.text))
        if not self.candidates:
            return texts
        columns = markdown(", ".join(self.candidates))
        mark = self.definition.options.get("placeholder")
        if mark:
            return f"pairs of {texts}, where each candidate ({columns}) takes the place of {code_span(mark)}"
        between = ", with a blank between them," if len(self.definition.text) > 1 else ""
        return f"pairs of {texts}{between} and each candidate ({columns})"

    def score_table(self) -> list[str]:
        """The scores beside those of a constant prediction; no lines if there are none."""
        if not self.scores:
            return []
        rows = [
            f"| {markdown(metric)} | {score_text(value)} | {self._constant(metric)} |"
            for metric, value in self.scores.items()
        ]
        title = "Scores of the best evaluation, on the validation split:"
        return [title, "", "| metric | score | best constant |", "|---|---|---|", *rows, ""]

    def _constant(self, metric: str) -> str:
        return score_text(self.baselines[metric]) if metric in self.baselines else ""

    def _origin(self, architecture: str) -> str:
        if not self.others:
            return f"Trained with mtsmart, as {code_span(architecture)}."
        others = ", ".join(map(code_span, self.others))
        return f"One task of a model that mtsmart has trained together with {others}, as {code_span(architecture)}."


def _code_text(file: str) -> list[str]:
    return [
        "transformers has no class for a head that compares two texts. `trust_remote_code=True` makes it run the file",
        f"`{file}` of this folder, which needs torch and transformers alone. The outputs before softmax are logits.",
        "",
    ]


def _library(exported: Exported) -> str:
    return "sentence-transformers" if exported.auto_class == SENTENCE_TRANSFORMER else "transformers"


def _modules_code(exported: Exported, texts: int, labels: list[str] | None) -> list[str]:
    example = '"..."' if texts == 1 else '("...", "...")'
    lines = [
        f"from {_SENTENCE_PACKAGE} import {exported.auto_class}",
        f"model = {exported.auto_class}({json.dumps(exported.folder.name)})",
        f"outputs = model.encode([{example}])  # a row of numbers for each input",
    ]
    if labels is None:
        return [*lines, "print(outputs)"]
    return [*lines, f"print(dict(zip({json.dumps(labels, ensure_ascii=False)}, outputs[0])))"]


def _candidates_modules_code(exported: Exported) -> list[str]:
    """A text with each of its candidates, as sentence-transformers reads pairs."""
    return [
        f"from {_SENTENCE_PACKAGE} import {exported.auto_class}",
        f"model = {exported.auto_class}({json.dumps(exported.folder.name)})",
        'pairs = [("...", "a candidate"), ("...", "another candidate")]  # the same text with each of its candidates',
        "outputs = model.encode(pairs)  # a number for each candidate",
        "print(outputs)",
    ]


def _candidates_code(exported: Exported) -> list[str]:
    """A text with each of its candidates, as transformers reads a row of a multiple choice."""
    folder = json.dumps(exported.folder.name)
    return [
        f"from transformers import {exported.auto_class}, AutoTokenizer",
        f"tokenizer = AutoTokenizer.from_pretrained({folder})",
        f"model = {exported.auto_class}.from_pretrained({folder})",
        'pairs = [("...", "a candidate"), ("...", "another candidate")]  # the same text with each of its candidates',
        'inputs = tokenizer(pairs, truncation=True, padding=True, return_tensors="pt")',
        "row = {name: values[None] for name, values in inputs.items()}",
        "outputs = model(**row).logits[0]  # a number for each candidate",
        "print(outputs)",
    ]


def _code(exported: Exported, pipeline: str | None, texts: int, problem_type: str | None) -> list[str]:
    folder = json.dumps(exported.folder.name)
    if exported.code is not None:
        folder = f"{folder}, trust_remote_code=True"
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
