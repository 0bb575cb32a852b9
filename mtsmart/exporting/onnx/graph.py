"""One graph with one encoder and the heads of several tasks, and its form in 8-bit numbers."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from mtsmart.errors import CheckpointError
from mtsmart.models.adapters import unmerged_adapters, without_adapters
from mtsmart.models.heads import HEADS_OF_PAIRS
from mtsmart.models.heads.windows import WINDOWS, WindowPooling
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import use_head

OPSET = 17
_MOST_BYTES = 2**31 - 2**24  # of a file of protobuf, with room for what is not weights
_KINDS = {
    "sequence_classification": "row",
    "multiple_choice": "row",
    "token_classification": "token",
    "question_answering": "token",
    "masked_lm": "position",
}
"""Kind of head -> what an output has a vector for."""


@dataclass(frozen=True)
class WindowOutputs:
    """How the logits of windows become those of their row.

    Attributes:
        pooling: one of :data:`mtsmart.models.heads.windows.POOLINGS`.
        scores: the output with a number for each window, whose softmax over a row's windows are the weights of their
            logits; None unless the pooling is attention.
    """

    pooling: str
    scores: str | None

    @classmethod
    def of(cls, head: str, pooling: str) -> WindowOutputs:
        """Those of a head."""
        return cls(pooling, f"{head}.window_scores" if pooling == "attention" else None)


class HeadsGraph(nn.Module):
    """Computes the logits of several heads from token ids.

    Args:
        model: on the CPU in float32, in evaluation mode.
        heads: the names of the heads.
        tokenizer: says which inputs there are.

    Attributes:
        inputs: the names of the tensors that ``forward`` takes, in their order.
        outputs: head -> the name of its output.
        windows: head that pools windows -> how, and the name of the output that weighs them, which attention has alone.
            The graph gives logits for each window. What reads rows in windows pools them.
        kinds: name of an output -> what it has a vector for: ``row``, ``token`` or ``position``.

    Raises:
        CheckpointError: heads have adapters of their own, so that no single encoder serves them, or the weights are
            too large for one file.
    """

    def __init__(self, model: MultiTaskModel, heads: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        if model.encoder.by_head and len(heads) > 1:
            message = f"the tasks have adapters of their own, and one graph has one encoder: {', '.join(heads)}"
            raise CheckpointError(message, argument="task", value=heads[0], hint="Export them one by one")
        self.encoder = model.encoder
        if self.encoder.adapters and not unmerged_adapters(self.encoder):
            self.encoder = without_adapters(self.encoder, heads[0])
        use_head(self.encoder, heads[0])
        self.heads = nn.ModuleList(model.head(head) for head in heads)
        self.outputs = {head: f"{head}.logits" for head in heads}
        poolings = {head: model.specs[head].windows for head in heads}
        self.windows = {head: WindowOutputs.of(head, pooling) for head, pooling in poolings.items() if pooling}
        self.kinds = {self.outputs[head]: _KINDS[model.specs[head].kind] for head in heads}
        self.kinds |= {each.scores: "row" for each in self.windows.values() if each.scores}
        self.inputs = ["input_ids", "attention_mask"]
        if self.encoder.takes_token_types and "token_type_ids" in tokenizer.model_input_names:
            self.inputs.append("token_type_ids")
        if any(model.specs[head].type in HEADS_OF_PAIRS for head in heads):
            self.inputs.append("segments")
        if "position" in self.kinds.values():
            self.inputs.append("positions")
        self.eval()
        size = sum(tensor.numel() * tensor.element_size() for tensor in self.parameters())
        if size > _MOST_BYTES:
            message = f"the weights have {size / 1e9:.1f} GB, and a file of ONNX holds 2"
            raise CheckpointError(message, argument="form", value="onnx", hint="Export without --format")

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The logits of each head, as :func:`mtsmart.models.heads.build_head` says; then the scores (B,) of windows.

        Args:
            tensors: (B, T) int64 each, in the order of ``inputs``; ``positions`` is (B, P).
        """
        given = dict(zip(self.inputs, tensors, strict=True))
        encoded = self.encoder(self.encoder.embed(given["input_ids"]), given)
        logits = [head(encoded, given) for head in self.heads]
        poolings = [getattr(head, WINDOWS, None) for head in self.heads]
        weighing = [each for each in poolings if isinstance(each, WindowPooling) and each.score is not None]
        return (*logits, *(each.scores(encoded[0], given["attention_mask"]) for each in weighing))


@torch.no_grad()
def write_graph(graph: HeadsGraph, example: Mapping[str, Tensor], file: Path) -> None:
    """Write a graph for batches of any size and length.

    torch's exporter by tracing is used. The one by ``torch.export`` gives the same numbers here, takes twenty times as
    long, and needs a further package.

    Args:
        graph: the heads.
        example: name -> a small tensor, for each of ``graph.inputs``.
        file: to write.
    """
    axes = {name: {0: "batch", 1: "masks" if name == "positions" else "length"} for name in graph.inputs}
    axes |= {name: {0: "batch"} if kind == "row" else {0: "batch", 1: kind} for name, kind in graph.kinds.items()}
    with _without_remarks():
        torch.onnx.export(
            graph,
            tuple(example[name] for name in graph.inputs),
            str(file),
            input_names=graph.inputs,
            output_names=list(graph.kinds),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def quantize(source: Path, target: Path) -> None:
    """Write a graph whose weights are 8-bit integers; activations become such while it computes.

    Args:
        source: the graph in float32.
        target: the new file.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _without_remarks():
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Without remarks on constants of a trace, which the comparison of logits checks, and on other exporters."""
    root = logging.getLogger()
    level = root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root.setLevel(logging.ERROR)
        try:
            yield
        finally:
            root.setLevel(level)
