"""Extractive question answering: candidates, loss, divergence and changed decisions."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering

from mtsmart.losses import Role
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.task_types.examples import span as example
from tests.task_types.span_rows import TOKENIZERS, encode, every_tokenizer


# The objective --------------------------------------------------------------------------------------------------
def batch_of(chosen, rows, tokenizer, max_length=64):
    features = list(encode(chosen, rows, tokenizer, max_length))
    return chosen.collate(features, tokenizer, 0), features


@every_tokenizer
def test_candidates_are_the_context_and_cls(tokenizer):
    chosen = build_task("t", TaskDefinition(**example.DEFINITION))
    batch, features = batch_of(chosen, example.ROWS, tokenizer, max_length=12)
    width = batch.inputs["input_ids"].shape[1]
    for index, feature in enumerate(features):
        shift = width - len(feature["input_ids"]) if tokenizer.padding_side == "left" else 0
        context = range(feature["first"], feature["first"] + len(feature["offsets"]) // 2)
        expected = {shift + position for position in [feature["cls"], *context]}
        assert set(batch.layout["candidates"][index].nonzero().flatten().tolist()) == expected
        for name in ("start", "end"):
            assert batch.targets[name][index] == feature[name] + shift
            assert int(batch.targets[name][index]) in expected
    assert torch.equal(batch.inputs["input_ids"] == tokenizer.pad_token_id, batch.attention_mask == 0)


@every_tokenizer
def test_the_loss_is_that_of_the_task_class(tiny_encoder, tokenizer):
    config = AutoConfig.from_pretrained(tiny_encoder, vocab_size=len(tokenizer), type_vocab_size=3)
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_config(config).eval()
    chosen = build_task("t", TaskDefinition(**example.DEFINITION))
    windows = list(encode(chosen, example.ROWS, tokenizer, 12))
    # To the last bit for each window; the class sums those of a batch in one kernel, whose order is the processor's.
    for features, tolerance in [*(([window], 0) for window in windows), (windows, 3e-7)]:
        batch = chosen.collate(features, tokenizer, 0)
        targets = {f"{name}_positions": batch.targets[name] for name in ("start", "end")}
        result = model(**batch.inputs, **targets)
        logits = torch.stack([result.start_logits, result.end_logits], dim=-1)
        torch.testing.assert_close(chosen.criterion(logits, batch), result.loss, rtol=tolerance, atol=0)


@every_tokenizer
@pytest.mark.parametrize("divergence", ["symmetric_kl", "kl", "js", "hellinger"])
def test_the_divergence_is_that_of_start_and_end_over_the_candidates(tokenizer, divergence):
    from mtsmart.losses import DIVERGENCES

    chosen = build_task("t", TaskDefinition(**example.DEFINITION, adv_loss=divergence))
    batch, features = batch_of(chosen, example.ROWS, tokenizer, max_length=12)
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, len(features), batch.inputs["input_ids"].shape[1], 2, generator=generator) * 3
    a.requires_grad_()
    value = chosen.divergence(a, b, batch, Role.ADVERSARIAL)
    masks = batch.layout["candidates"].bool()
    one_by_one = [
        DIVERGENCES[divergence](left[mask, side].double(), right[mask, side].double())
        for left, right, mask in zip(a, b, masks, strict=True)
        for side in (0, 1)
    ]
    assert float(value.detach()) == pytest.approx(float(torch.stack(one_by_one).mean().detach()), rel=1e-5)
    (gradient,) = torch.autograd.grad(value, a)
    assert torch.isfinite(gradient).all() and (gradient[masks] != 0).any()
    assert (gradient[~masks] == 0).all()
    assert float(chosen.divergence(b, b, batch, Role.ADVERSARIAL)) == pytest.approx(0.0, abs=1e-7)


def test_changes_are_windows_whose_start_or_end_moves():
    chosen = build_task("t", TaskDefinition(**example.DEFINITION))
    batch, features = batch_of(chosen, example.ROWS[:2], TOKENIZERS["cls first"])
    logits = torch.zeros(2, batch.inputs["input_ids"].shape[1], 2)
    logits[:, features[0]["first"]] = 2.0
    other = logits.clone()
    other[0, 0, 1] = 3.0  # the end becomes "no answer"
    other[1, 1, :] = 9.0  # a token of the question: no candidate
    assert float(chosen.changed(logits, other, batch)) == 0.5


@every_tokenizer
def test_unbatching_takes_the_padding_off(tokenizer):
    chosen = build_task("t", TaskDefinition(**example.DEFINITION))
    batch, features = batch_of(chosen, example.ROWS, tokenizer)
    ids = batch.inputs["input_ids"]
    parts = chosen.unbatch(torch.stack([ids, ids], dim=-1), batch)
    assert [part[:, 1].tolist() for part in parts] == [feature["input_ids"] for feature in features]
