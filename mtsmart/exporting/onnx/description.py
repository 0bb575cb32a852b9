"""``tasks.json``: how rows become inputs of an exported graph, and how its outputs become predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from transformers import PreTrainedTokenizerBase

from mtsmart.data.completeness import empty_parts, policy_of
from mtsmart.data.derived import fields_of, has_filter
from mtsmart.data.tokenizing import Frame, filler_of, frame_of
from mtsmart.errors import ConfigError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.evaluation.typed_texts import texts_read_by
from mtsmart.exporting.onnx.graph import OPSET, HeadsGraph
from mtsmart.exporting.onnx.runtime.settings import FORMAT
from mtsmart.hardware import installed_version
from mtsmart.task_types import TaskType
from mtsmart.task_types.details.interface import HasProbabilities
from mtsmart.task_types.interface.explains_outputs import Portable
from mtsmart.task_types.shared.words import lacks_blanks
from mtsmart.task_types.windows.reads_windows import is_in_windows

_LIBRARIES = ("mtsmart", "torch", "transformers", "tokenizers", "onnx", "onnxruntime")


def described(
    run: LoadedRun,
    tasks: Sequence[TaskType],
    graph: HeadsGraph,
    temperatures: Mapping[str, float],
    is_int8: bool,
) -> dict[str, Any]:
    """The content of ``tasks.json``.

    Args:
        run: the run.
        tasks: those that are exported.
        graph: with their heads.
        temperatures: task -> the temperature of its probabilities, where the run's report has fitted one.
        is_int8: whether the weights are 8-bit integers.

    Raises:
        ConfigError: the file ``answer.py`` cannot do what a task does.
    """
    return {
        "format": FORMAT,
        "opset": OPSET,
        "weights": "int8" if is_int8 else "float32",
        "versions": {name: installed_version(name) for name in _LIBRARIES},
        "batch_size": run.config.training.eval_batch_size,
        "tokenizer": _of_tokenizer(run.tokenizer),
        "outputs": graph.kinds,
        "tasks": {
            task.name: _of_task(task, run.max_length(task.name), graph) | {"temperature": temperatures.get(task.name)}
            for task in tasks
        },
    }


def _of_task(task: TaskType, max_length: int, graph: HeadsGraph) -> dict[str, Any]:
    definition = task.definition
    # A type that changes another one may decode in its own way, so it has to say how itself.
    if not isinstance(task, Portable) or "how_decoded" not in vars(type(task)):
        message = f"the task type '{definition.task_type}' does not say how its outputs are decoded without mtsmart"
        raise ConfigError(message, argument="task", value=task.name, hint="It works in 'mtsmart predict'")
    if filtered := next(filter(has_filter, task.columns), None):
        message = f"its text {filtered} is made by a filter, which works in mtsmart alone"
        raise ConfigError(message, argument="task", value=task.name, hint="It works in 'mtsmart predict'")
    may_be_empty = {column for column in task.columns if policy_of(definition.missing, column) == "empty"}
    parts = set[str]().union(*(empty_parts(definition.missing, column) for column in task.columns))
    return {
        "type": definition.task_type,
        "output": graph.outputs[task.head_name],
        "windows": asdict(graph.windows[task.head_name]) if is_in_windows(task) else None,
        "columns": task.columns,
        "fields": fields_of(task.columns),
        "texts": texts_read_by(task),
        "labels": list(task.labels),
        "empty": sorted(may_be_empty | parts),
        "reading": task.how_read(max_length),
        "decoding": task.how_decoded(),
        "has_probabilities": isinstance(task, HasProbabilities),
    }


def _of_tokenizer(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    marks = (tokenizer.cls_token_id, tokenizer.bos_token_id)
    return {
        "pad": tokenizer.pad_token_id,
        "mask": tokenizer.mask_token_id,
        "cls": [token for token in marks if token is not None],
        "filler": filler_of(tokenizer),
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
        "prefix_blank": lacks_blanks(tokenizer),
        "frames": {str(count): _of_frame(frame_of(tokenizer, count)) for count in (1, 2)},
    }


def _of_frame(frame: Frame) -> dict[str, Any]:
    return {"specials": frame.specials, "special_types": frame.special_types, "types": frame.types}
