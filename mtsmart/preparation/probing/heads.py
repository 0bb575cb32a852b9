"""A look at what a head does: logits of the right shape, made with the model's weights, and inputs left as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mtsmart.errors import TrainingError, warn
from mtsmart.models.heads import HEADS, HeadSpec
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.registry import form_of, title_of, wrong_result


def check_logits(model: MultiTaskModel, task: PreparedTask, logits: Any, inputs: dict[str, Tensor]) -> Tensor:
    """A head's logits, if they have the shape that ``build_head`` promises, and are numbers.

    Args:
        model: has the head.
        task: uses it.
        logits: what the head gives.
        inputs: those of the rows.

    Raises:
        TrainingError: names the head type, its package, what it gives and what it must give.
    """
    spec = model.specs[task.type.head_name]
    wanted, names = _shape(model, spec, inputs)
    hint = f"It must give logits of shape {wanted}, which is {names}"
    if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
        what = f"logits of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else form_of(logits)
        raise _misfit(spec, task, f"gives {what} for {wanted[0]} token sequences", hint)
    if bool(logits.isnan().any()):
        raise _misfit(spec, task, "gives logits that are not a number (nan)", "Look for a division by 0 in its forward")
    return logits


def check_hidden(model: MultiTaskModel, task: PreparedTask, before: Tensor, after: Tensor) -> None:
    """Refuse a head that changes the hidden states in place: whatever reads them after it would read others.

    Args:
        model: has the head.
        task: uses it.
        before: a copy of the hidden states that the head was given.
        after: the hidden states after its forward.

    Raises:
        TrainingError: names the head type and its package.
    """
    if not torch.allclose(before, after, rtol=0, atol=0, equal_nan=True):
        what = "changes the hidden states in place, which other heads and methods read too"
        hint = "Compute new tensors in its forward, such as hidden * 2 in place of hidden.mul_(2)"
        raise _misfit(model.specs[task.type.head_name], task, what, hint)


def check_weights(model: MultiTaskModel, task: PreparedTask, logits: Tensor) -> None:
    """Refuse a head with weights that the model does not know: they would be neither trained nor stored.

    Args:
        model: has the head. A head may use the encoder's weights, such as its word embeddings.
        task: uses it.
        logits: what the head gives, with their graph.

    Raises:
        TrainingError: names the head type and its package.
    """
    spec = model.specs[task.type.head_name]
    known = {id(parameter) for parameter in model.parameters()}
    strange = [leaf for leaf in _leaves(logits) if id(leaf) not in known]
    if strange:
        shapes = " and ".join(str(tuple(leaf.shape)) for leaf in strange[:2]) + (", ..." if len(strange) > 2 else "")
        what = (
            f"computes with weights that it has not registered, of shape {shapes}: they would not be trained or stored"
        )
        hint = "Make each of them, or its module, an attribute of its own, or put modules into an nn.ModuleList"
        raise _misfit(spec, task, what, hint)
    if not logits.requires_grad and not model.head(task.type.head_name).state_dict():
        text = (
            f"{title_of(HEADS[spec.type])} (task {task.name}): has no weights, so it learns nothing: an nn.Parameter "
            "or a module that is an attribute of it is trained and stored"
        )
        warn(text)


def _misfit(spec: HeadSpec, task: PreparedTask, what: str, hint: str) -> TrainingError:
    return wrong_result(HEADS[spec.type], what, hint, task=task.name)


def _shape(model: MultiTaskModel, spec: HeadSpec, inputs: dict[str, Tensor]) -> tuple[tuple[int, ...], str]:
    """The shape of a head's logits for inputs, and what its sizes are."""
    rows, tokens = inputs["attention_mask"].shape
    match spec.kind:
        case "multiple_choice":
            return (rows, 1), "(B, 1)"
        case "token_classification":
            return (rows, tokens, spec.num_labels), "(B, T, C)"
        case "question_answering":
            return (rows, tokens, 2), "(B, T, 2)"
        case "masked_lm":
            vocabulary = model.encoder.word_embeddings.shape[0]
            return (rows, inputs["positions"].shape[1], vocabulary), "(B, P, V)"
    return (rows, spec.num_labels), "(B, C)"


def _leaves(value: Tensor) -> Iterator[nn.Parameter | Tensor]:
    """The tensors that the gradient of a value would reach."""
    waiting: list[Any] = [value.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if (leaf := getattr(node, "variable", None)) is not None:
            yield leaf
        waiting += [following for following, _ in node.next_functions]
