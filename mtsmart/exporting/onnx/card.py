"""The card of an exported graph: what its tasks are, how they scored and how to use it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mtsmart.config.document import dump_yaml
from mtsmart.exporting.onnx.graph import OPSET
from mtsmart.models.export_folder import Exported
from mtsmart.reporting.card import versions
from mtsmart.reporting.hub_metadata import ScoredTask, hub_metadata
from mtsmart.reporting.model_card import ModelCard
from mtsmart.text.escaping import code_span, markdown

_LIBRARIES = ("onnx", "onnxruntime", "tokenizers", "numpy")


def graph_card(cards: Sequence[ModelCard], int8: bool, exported: Exported) -> str:
    """The text of README.md.

    Args:
        cards: one for each task.
        int8: whether the weights are 8-bit integers.
        exported: says where it lies.
    """
    scored = [ScoredTask(card.name, card.definition, {} if int8 else card.scores) for card in cards]
    title = " and ".join(card.name for card in cards)
    lines = [
        "---",
        dump_yaml(hub_metadata("onnx", title, cards[0].encoder, scored)).rstrip(),
        "---",
        "",
        f"# {markdown(title)}",
        "",
        *_about(len(cards), int8),
        "",
        "## Use",
        "",
        *_use(cards, exported.folder.name),
    ]
    for card in cards:
        lines += [f"## {markdown(card.name)}", "", *card.facts(), "", *card.score_table()]
    return "\n".join(lines)


def _about(count: int, int8: bool) -> list[str]:
    heads = "one encoder and one head" if count == 1 else f"one encoder and the heads of {count} tasks"
    lines = [
        f"A graph of ONNX (opset {OPSET}) with {heads}, trained with mtsmart. Written with {versions(_LIBRARIES)}."
    ]
    if int8:
        lines.append("The weights are 8-bit integers. The scores below are those of the weights in float32.")
    return lines


def _use(cards: Sequence[ModelCard], folder: str) -> list[str]:
    tasks = json.dumps(cards[0].name)
    row = json.dumps(cards[0].row, ensure_ascii=False)
    return [
        "`pip install numpy tokenizers onnxruntime` is all that it needs.",
        "",
        "```python",
        "from answer import Model  # the file answer.py of this folder",
        f"model = Model({json.dumps(folder)})",
        f"print(model.predict({tasks}, [{row}]))",
        "```",
        "",
        f"In a shell: {code_span(f'python {folder}/answer.py --task {cards[0].name} --input rows.jsonl')}.",
        "Several tasks that read the same columns share one pass through the encoder: name them all.",
        "",
    ]
