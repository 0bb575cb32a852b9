"""An exported graph and its tokenizer beside the run's own, before the export is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.tokenizing import tokenize
from mtsmart.errors import CheckpointError
from mtsmart.exporting.onnx.graph import HeadsGraph, WindowOutputs
from mtsmart.exporting.onnx.runtime.tokens import Inputs, Settings, Tokens
from mtsmart.exporting.onnx.runtime.windows import pooled
from mtsmart.models.heads.base import FIRST, SECOND
from mtsmart.models.heads.windows import WINDOWS
from mtsmart.models.multitask import MultiTaskModel

TOLERANCE = 1e-4  # between a logit of the run and one of the graph, absolute and relative
_SHAPES = ((1, 5), (4, 24), (3, 80))
"""Rows and tokens of the batches that are compared; the trace has another shape."""
_EXAMPLE = (2, 7)
_MASKS = 2
_SHORTEST = 2  # tokens of a row of random tokens
_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "  Na\u00efve caf\u00e9s, 3.50 \u20ac each \u2014 isn\u2019t it?\tYes!\n",
    "\u6771\u4eac\u3068\u5927\u962a \U0001f600 \u0416\u0443\u043a \ufb01ne e\u0301",
    "x",
    "unbelievablelongwordwithoutanyblanks" * 4,
)
_LENGTHS = (16, 64)


def example_of(graph: HeadsGraph, tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """A small batch for the trace."""
    return probe(graph, tokenizer, *_EXAMPLE)


def probe(graph: HeadsGraph, tokenizer: PreTrainedTokenizerBase, rows: int, width: int) -> dict[str, Tensor]:
    """Rows of random tokens, each but the first one shorter than the one before: name of an input -> (B, T) int64."""
    generator = torch.Generator().manual_seed(rows)
    ordinary = torch.tensor(sorted(set(range(tokenizer.vocab_size)) - set(tokenizer.all_special_ids)))
    ids = ordinary[torch.randint(len(ordinary), (rows, width), generator=generator)]
    lengths = torch.tensor([max(_SHORTEST, width - row * width // rows) for row in range(rows)])
    mask = (torch.arange(width) < lengths.unsqueeze(-1)).long()
    segments = torch.where(torch.arange(width) < lengths.unsqueeze(-1) // 2, FIRST, SECOND) * mask
    if tokenizer.padding_side == "left":
        mask = mask.flip(-1)
        segments = segments.flip(-1)
    found = {
        "input_ids": ids.masked_fill(mask == 0, tokenizer.pad_token_id),
        "attention_mask": mask,
        "token_type_ids": (segments == SECOND).long(),
        "segments": segments,
        "positions": mask.argmax(-1, keepdim=True) + torch.arange(_MASKS),
    }
    return {name: found[name] for name in graph.inputs}


def shapes_of(model: MultiTaskModel) -> list[tuple[int, int]]:
    """Rows and tokens of the batches that are compared, none longer than the encoder takes."""
    longest = model.encoder.max_positions or max(width for _, width in _SHAPES)
    return [(rows, min(width, longest)) for rows, width in _SHAPES]


@torch.no_grad()
def largest_differences(
    model: MultiTaskModel, graph: HeadsGraph, file: Path, batches: Sequence[Mapping[str, Tensor]]
) -> dict[str, float]:
    """Head -> how far a logit of a graph's file is from the run's own at most, in units of what is allowed.

    Args:
        model: the run's model, in evaluation mode.
        graph: says which inputs and outputs the file has.
        file: the graph.
        batches: inputs.

    Raises:
        CheckpointError: onnxruntime cannot read the file, or gives what is no number.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    read = {each.name for each in session.get_inputs()}
    found = dict.fromkeys(graph.outputs, 0.0)
    for batch in batches:
        feeds = {name: tensor.numpy() for name, tensor in batch.items() if name in read}
        given = dict(zip(graph.kinds, session.run(list(graph.kinds), feeds), strict=True))
        for head, output in graph.outputs.items():
            embeds = model.embed(batch["input_ids"])
            differences = _differences(model(head, embeds, dict(batch)).numpy(), given[output])
            if graph.kinds[output] == "token":  # the logits of padding mean nothing
                differences = differences[batch["attention_mask"].numpy() == 1]
            found[head] = max(found[head], float(differences.max()))
            if head in graph.windows:
                of_row = model(head, embeds, {**batch, WINDOWS: _windows_of_one(batch)}).numpy()[0]
                theirs = _pooled(graph.windows[head], given, output)
                found[head] = max(found[head], float(_differences(of_row, theirs).max()))
    return found


def _differences(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """How far numbers are from others, in units of what is allowed; infinite where there is no number."""
    found = np.abs(ours - theirs) / (TOLERANCE + TOLERANCE * np.abs(ours))
    return np.where(np.isfinite(found), found, np.inf)


def _windows_of_one(batch: Mapping[str, Tensor]) -> Tensor:
    """(1, B): all sequences of a batch as the windows of one row."""
    return torch.arange(len(batch["input_ids"])).unsqueeze(0)


def _pooled(windows: WindowOutputs, given: Mapping[str, np.ndarray], output: str) -> np.ndarray:
    """The logits (C,) of a row whose windows are all sequences of a batch."""
    scores = None if windows.scores is None else list(given[windows.scores])
    return pooled(list(given[output]), windows.pooling, scores)


def check_graph(model: MultiTaskModel, graph: HeadsGraph, file: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Compare the logits of a graph with the run's, for batches of several sizes and lengths.

    Raises:
        CheckpointError: they differ.
    """
    batches = [probe(graph, tokenizer, *shape) for shape in shapes_of(model)]
    for head, difference in largest_differences(model, graph, file, batches).items():
        if not difference <= 1:
            message = f"the ONNX graph computes other logits (they differ by {difference * TOLERANCE:.2g})"
            raise CheckpointError(message, argument="task", value=head)


def check_numbers(model: MultiTaskModel, graph: HeadsGraph, file: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a graph of 8-bit integers whose outputs are not numbers. They differ from the run's logits by rounding.

    Raises:
        CheckpointError: there is no number.
    """
    batches = [probe(graph, tokenizer, *shape) for shape in shapes_of(model)]
    for head, difference in largest_differences(model, graph, file, batches).items():
        if not np.isfinite(difference):
            message = "its outputs are no numbers with weights in 8-bit integers"
            raise CheckpointError(message, argument="task", value=head, hint="Export without `int8=True`")


def check_tokens(file: Path, settings: Settings, tokenizer: PreTrainedTokenizerBase, names: bool) -> None:
    """Compare what the library tokenizers alone makes of some texts with what the run's tokenizer makes of them.

    Args:
        file: tokenizer.json.
        settings: what tasks.json says of it.
        tokenizer: the run's.
        names: whether tokens are shown by their names, so that these must be equal too.

    Raises:
        CheckpointError: they differ.
    """
    tokens = Tokens(file, settings)
    texts = [*_TEXTS, *(f"a {special} b" for special in tokenizer.all_special_tokens)]
    others = [*texts[1:], texts[0]]
    for columns in ([texts], [texts, others]):
        for length in _LENGTHS:
            encoded = tokenize(columns, tokenizer, length, segments=True)
            ours = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
            theirs, _ = tokens.framed(list(zip(*columns, strict=True)), length)
            for text, own, given in zip(texts, ours, theirs, strict=True):
                _require_equal(text, own, {name: given[name] for name in own})
    words = [text.split() for text in texts]
    encoded_words = tokenizer(words, is_split_into_words=True)["input_ids"]
    if not settings["prefix_blank"]:
        for text, own, encoding in zip(texts, encoded_words, tokens.words(words), strict=True):
            _require_equal(text, {"input_ids": own}, {"input_ids": encoding.ids})
    for token in range(len(tokenizer)) if names else ():
        _require_equal(str(token), str(tokenizer.decode([token])).strip(), tokens.name_of(token))


def _require_equal(text: str, ours: Inputs | str, theirs: Inputs | str) -> None:
    if ours != theirs:
        message = "the tokenizer gives other tokens without transformers, so that an exported graph would read others"
        raise CheckpointError(message, file="tokenizer", value=text, hint="Export without --format")
