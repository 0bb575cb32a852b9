"""SMART's and MBPP's invariants for every task type on every architecture.

What every regulariser must hold is in test_every_method.py.
"""

from __future__ import annotations

import math
import traceback

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mtsmart.data.batch import Share
from mtsmart.errors import ConfigError
from mtsmart.losses import Role
from mtsmart.models.encoder import Encoder, whole_mask
from mtsmart.preparation.batch_parts import part_of
from mtsmart.task_types import TASK_TYPES
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.interface.fits_decoding import fit_decoding
from mtsmart.training.step import TrainStep
from tests.models.architectures import ARCHITECTURES, make
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.every_type import (
    EXAMPLES,
    NAMES,
    OF_A_HEAD,
    every_pair,
    every_type_on_bert,
    example,
    objective,
)

SMART = preset("smart")


def test_every_task_type_has_an_example():
    kinds = {example(name).DEFINITION["task_type"] for name in EXAMPLES}
    assert kinds == set(TASK_TYPES)


def test_every_kind_of_head_is_tested_on_every_architecture(benches):
    def kinds(names):
        specs = [benches("BERT").made(name)[0].head_spec for name in names]
        return {(spec.type, spec.kind) for spec in specs}

    assert kinds(OF_A_HEAD) == kinds(NAMES)


@every_pair
def test_shared_masks_are_the_clean_passes(pair):
    """Replaying the generator gives the clean logits bit for bit: nothing draws at odd places."""
    pair.model.train()
    clean = pair.clean()
    with pair.smart().dropout(clean, SMART):
        again = clean.forward(clean.inputs_embeds)
    assert torch.equal(again, clean.logits)
    assert not torch.equal(clean.forward(clean.inputs_embeds), clean.logits)  # there is dropout to replay


@every_pair
@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_delta_stays_in_the_ball_and_off_the_padding(pair, direction):
    pair.model.train()
    clean, regularizer = pair.clean(), pair.smart(direction=direction)
    mask = clean.batch.attention_mask
    assert (mask == 0).any()
    delta = regularizer.perturbation(clean, clean.logits, regularizer.settings[pair.task.name])
    assert 0 < float(delta.abs().max()) <= SMART.epsilon * regularizer.embedding_rms * (1 + 1e-6)
    assert not delta[mask == 0].any()


@every_pair
@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_r_is_positive_for_a_perturbation(pair, direction):
    pair.model.eval()
    smart = pair.smart(epsilon=0.5, step_size=0.5, direction=direction)
    assert float(smart.loss(pair.clean())[1]["R"]) > 0


@every_pair
def test_ignored_logits_do_not_count(pair):
    """Other logits on padding, or on what the layout leaves out, change neither divergence nor loss."""
    pair.model.eval()
    task, batch = pair.task, pair.batch
    logits = pair.clean().logits.detach()
    target = logits + torch.randn_like(logits)
    values = {role: task.divergence(logits, target, batch, role) for role in Role}
    for role, value in values.items():
        assert float(value) > 0, role
        assert float(task.divergence(logits, logits, batch, role)) == 0, role
    ignored = _ignored(logits, batch)
    if ignored is None:
        assert logits.ndim == 2  # one prediction a row: nothing to ignore
        return
    assert ignored.any()
    other = logits + 3 * torch.randn_like(logits) * ignored.unsqueeze(-1)
    for role, value in values.items():
        torch.testing.assert_close(task.divergence(other, target, batch, role), value, atol=0, rtol=1e-6)
    if task.definition.task_type != "span":  # whose loss is the task class's: a softmax over all T positions
        torch.testing.assert_close(task.criterion(other, batch), task.criterion(logits, batch), atol=0, rtol=1e-6)


def _ignored(logits, batch):
    """(B, T) true where logits (B, T, C) must not count; None for logits (B, C)."""
    if logits.ndim < 3:
        return None
    masks = [batch.attention_mask, *batch.layout.values()]
    fitting = [mask for mask in masks if mask.shape == logits.shape[:2] and not (mask.long() & ~1).any()]
    return torch.stack([mask == 0 for mask in fitting]).any(0)


@every_pair
def test_padding_changes_no_prediction(pair):
    """Each row by itself (no padding) gives what it gives in the batch."""
    pair.model.eval()
    with torch.no_grad():
        together = pair.task.unbatch(pair.clean().logits, pair.batch)
        rows, index = pair.bench.split(pair.name).rows.to_list(), 0
        for part in _alone(rows):
            batch = pair.task.collate(part, pair.bench.tokenizer, 0)
            logits = pair.forward(batch, pair.model.embed(batch.inputs["input_ids"]))
            for one in pair.task.unbatch(logits, batch):
                torch.testing.assert_close(together[index], one, atol=1e-5, rtol=1e-4, equal_nan=True)
                index += 1


def _alone(rows):
    """Encoded rows by source row."""
    parts = {}
    for row in rows:
        parts.setdefault(row["row"], []).append(row)
    return parts.values()


@every_pair
def test_a_training_step_has_finite_gradients(pair):
    pair.model.train()
    regularizers = {"smart": pair.smart(), "mbpp": pair.mbpp()}
    loss, figures = TrainStep(pair.model, {pair.name: pair.task}, regularizers)(pair.batch)
    loss.backward()
    assert {"loss", "R", "D"} <= set(figures)
    gradients = {name: p.grad for name, p in pair.model.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())
    assert pair.model.encoder.word_embeddings.grad.abs().sum() > 0
    assert any(gradient.abs().sum() > 0 for name, gradient in gradients.items() if name.startswith("heads."))


@every_type_on_bert
def test_parts_of_a_batch_make_the_whole(pair):
    """The mean of the parts' losses, figures and gradients is the whole batch's."""
    check_parts(pair, "ascent", 3)


@every_type_on_bert
def test_more_parts_than_rows_make_the_whole(pair):
    check_parts(pair, "fisher", len(pair.batch.rows) + 1)


@every_type_on_bert
def test_a_mean_over_token_sequences_is_that_of_the_whole(pair):
    def mean_length(batch):
        return float(batch.scaled(batch.attention_mask.sum(1).double().mean(), Share.SEQUENCES))

    for count in (2, len(pair.batch.rows) + 1):
        parts = [part_of(pair.batch, pair.task, rank, count) for rank in range(count)]
        assert sum(map(mean_length, parts)) / count == pytest.approx(mean_length(pair.batch))


def check_parts(pair, direction, count):
    pair.model.eval()
    pair.batch.seed = 3
    mbpp = pair.mbpp()
    with torch.no_grad():
        for parameter in pair.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    # Noise large enough that the first gradient of these tiny models does not drown in rounding.
    smart = pair.smart(epsilon=0.1, step_size=0.1, noise=0.05, direction=direction, weight=5.0)
    step = TrainStep(pair.model, {pair.name: pair.task}, {"smart": smart, "mbpp": mbpp})
    parts = [part_of(pair.batch, pair.task, rank, count) for rank in range(count)]
    assert [row for part in parts if part.part.shares[Share.DIVERGENCE] for row in part.rows] == pair.batch.rows
    whole, together = objective(step, [pair.batch]), objective(step, parts)
    assert whole[0].keys() == together[0].keys()
    for name, figure in whole[0].items():
        if name != "delta/x":  # a ratio of norms, of which the mean is another one
            assert together[0][name] == pytest.approx(figure, rel=1e-4, abs=1e-6), name
    assert float((whole[1] - together[1]).norm() / whole[1].norm()) < 1e-4


class Readings(TorchDispatchMode):
    """Where a host waits for its device: for values of tensors, and for shapes that depend on them.

    Without what transformers asks itself, by architecture; see ``test_transformers_is_given_no_reason_to_wait``.
    """

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero", "masked_select", "unique"):
            where = "".join(traceback.format_stack(limit=16))
            if "/transformers/" not in where:
                self.found.append(where)
        return func(*args, **(kwargs or {}))


@every_pair
def test_an_update_waits_for_no_device(pair):
    check_no_waiting(pair, "fisher")


@every_type_on_bert
def test_an_update_with_two_passes_waits_for_no_device(pair):
    check_no_waiting(pair, "ascent")


def check_no_waiting(pair, direction):
    pair.model.train()
    regularizers = {"smart": pair.smart(direction=direction), "mbpp": pair.mbpp()}
    step = TrainStep(pair.model, {pair.name: pair.task}, regularizers)
    with Readings() as readings:
        loss, _ = step(pair.batch)
        loss.backward()
        for regularizer in regularizers.values():
            regularizer.after_update(lambda: pair.model)
    assert not readings.found, readings.found[0]


class EveryReading(Readings):
    """Also those of transformers."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero", "masked_select", "unique"):
            self.found.append("".join(traceback.format_stack(limit=16)))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_transformers_is_given_no_reason_to_wait(architecture):
    """Where attention takes a whole mask, it is given one on a GPU: the same outputs, and no look at the mask."""
    encoder = Encoder(make(architecture).eval())
    if not encoder.takes_whole_masks:
        assert architecture in ("DeBERTa-v2", "ModernBERT", "MPNet", "XLNet", "T5")
        return
    ids, mask = torch.randint(6, 40, (3, 9)), torch.ones(3, 9, dtype=torch.int64)
    mask[1, 5:], mask[2, 2:] = 0, 0
    with torch.no_grad():
        expected = encoder(encoder.embed(ids), {"attention_mask": mask})[0]
        with EveryReading() as readings:
            found = encoder.model(inputs_embeds=encoder.embed(ids), attention_mask=whole_mask(mask))[0]
    assert not readings.found, readings.found[0]
    torch.testing.assert_close(found[mask == 1], expected[mask == 1], atol=1e-6, rtol=1e-5)


@every_pair
def test_predictions_come_out_for_every_row(pair):
    pair.model.eval()
    split, source = pair.bench.split(pair.name), example(pair.name).ROWS
    with torch.no_grad():
        logits = [one.float() for one in pair.task.unbatch(pair.clean().logits, pair.batch)]
    assert len(logits) == len(split.rows)
    outputs, references = Outputs(logits, split.rows), pair.task.references(split.rows)
    fit_decoding(pair.task, outputs, references)
    predictions = pair.task.decode(outputs)
    assert len(predictions) == len(references)
    scores = pair.task.score(predictions, references)
    assert all(math.isfinite(value) for value in scores.values())
    described = pair.task.describe(outputs, pair.bench.tokenizer)
    assert len(described) == len(source)
    assert {next(iter(row)) for row in described} == {"prediction"}
    baseline = pair.task.baseline(references, references)
    assert all(math.isfinite(value) for value in pair.task.score(baseline, references).values())


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_the_teacher_follows_its_closed_form(benches, architecture):
    """theta~_n in float64 over a few updates, tied weights included (they are one parameter)."""
    tasks = [benches(architecture).made(name)[0] for name in ("classification", "tagging", "masked_lm")]
    model = benches(architecture).model_for(tasks)
    mbpp = at_work("mbpp", model, {task.name: task for task in tasks}, preset("mbpp", "paper"))
    expected = [p.detach().double().clone() for p in model.parameters()]
    assert len(expected) == len(list(mbpp.teacher.model.parameters()))
    for _ in range(4):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 1e-2)
        mbpp.after_update(lambda: model)
        beta = mbpp.beta()
        expected = [
            (1 - beta) * p.detach().double() + beta * e for p, e in zip(model.parameters(), expected, strict=True)
        ]
    for teacher, value in zip(mbpp.teacher.model.parameters(), expected, strict=True):
        torch.testing.assert_close(teacher.double(), value, atol=1e-6, rtol=0)


def test_an_encoder_without_a_mask_token_has_no_masked_lm(benches):
    with pytest.raises(ConfigError, match=r"masked_lm\.task_type: needs an encoder whose tokenizer has a mask token"):
        benches("T5").split("masked_lm")
