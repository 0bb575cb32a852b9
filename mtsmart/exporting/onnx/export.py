"""Tasks of a run as one ONNX graph that onnxruntime runs without mtsmart.

::

    model.onnx        the encoder, and an output for each head
    tokenizer.json    the tokenizer of the library tokenizers
    tasks.json        how rows are read and outputs decoded; the versions that wrote it
    answer.py         a module and a command that predict with these three
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.evaluation.details.temperatures import temperatures_of
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.exporting.onnx.description import described
from mtsmart.exporting.onnx.graph import HeadsGraph, quantize, write_graph
from mtsmart.exporting.onnx.one_file import answer_text
from mtsmart.models.export_folder import Exported, Prepared, export_checked
from mtsmart.models.files import settled
from mtsmart.task_types import TaskType

_PACKAGES = ("onnx", "onnxruntime")
_CODE = "answer.py"
_GRAPH = "model.onnx"
_TOKENIZER = "tokenizer.json"
_FLOATS = "float32.onnx"


def export_graph(
    run: LoadedRun,
    tasks: Sequence[TaskType],
    folder: Path,
    *,
    int8: bool = False,
    card: Callable[[Exported], str] | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the encoder with the heads of some tasks as one graph, and what predicts with it.

    The folder appears only once the graph has given this run's logits for batches of several sizes, and the tokenizer
    this run's tokens.

    Args:
        run: on the CPU.
        tasks: of the run, or of the library if they use heads of the run.
        folder, card, overwrite: as for :func:`mtsmart.models.export_folder.export_checked`.
        int8: whether the weights become 8-bit integers. Then the graph in float32 is the one that is compared.

    Raises:
        ConfigError: a package is missing, or ``answer.py`` cannot do what a task does.
        CheckpointError: the folder is taken, the tasks do not fit into one graph, or logits or tokens differ.
        StorageError: the folder cannot be written.
    """
    _require_packages()

    def prepare() -> Prepared:
        graph = HeadsGraph(run.model, list(dict.fromkeys(task.head_name for task in tasks)), run.tokenizer)
        content = described(run, tasks, graph, _temperatures(run, tasks), int8)
        return Prepared(
            _CODE,
            "a graph of ONNX in int8" if int8 else "a graph of ONNX",
            write=lambda aside: _write(run, graph, content, aside),
            check=lambda aside: _check(run, graph, content, aside),
        )

    return export_checked(folder, overwrite, prepare, card)


def _require_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed"
        raise ConfigError(message, argument="form", value="onnx", hint="pip install 'mtsmart[onnx]'")


def _temperatures(run: LoadedRun, tasks: Sequence[TaskType]) -> dict[str, float]:
    """Those that the run's report has fitted for its present weights. A user of the export who wants more is told."""
    try:
        return temperatures_of(run.run_folder, tasks)
    except CheckpointError:
        return {}


def _write(run: LoadedRun, graph: HeadsGraph, content: dict[str, Any], aside: Path) -> None:
    from mtsmart.exporting.onnx.checks import example_of

    write_graph(graph, example_of(graph, run.tokenizer), aside / _GRAPH)
    settled(run.tokenizer).backend_tokenizer.save(str(aside / _TOKENIZER))
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (aside / "tasks.json").write_text(f"{text}\n", encoding="utf-8")
    (aside / _CODE).write_text(answer_text(), encoding="utf-8")


def _check(run: LoadedRun, graph: HeadsGraph, content: dict[str, Any], aside: Path) -> None:
    """Compare logits and tokens with the run's. Only then the weights become integers, if they should."""
    from mtsmart.exporting.onnx.checks import check_graph, check_numbers, check_tokens

    check_graph(run.model, graph, aside / _GRAPH, run.tokenizer)
    shows_tokens = any(task["reading"]["kind"] == "masks" for task in content["tasks"].values())
    check_tokens(aside / _TOKENIZER, content["tokenizer"], run.tokenizer, shows_tokens)
    if content["weights"] == "int8":
        floats = (aside / _GRAPH).rename(aside / _FLOATS)
        quantize(floats, aside / _GRAPH)
        floats.unlink()
        check_numbers(run.model, graph, aside / _GRAPH, run.tokenizer)
