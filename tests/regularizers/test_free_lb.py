"""FreeLB's gradient is its K-step sum. Twenty updates of it are in test_against_the_reference.py."""

import pytest
import torch
import torch.nn.functional as F

from mtsmart.training.step import TrainStep
from tests.regularizers.at_work import at_work, preset


def free_lb(bench, **changes):
    settings = preset("free_lb", "paper", epsilon_unit="relative", step_size=2.0, epsilon=3.0, noise=1.0, **changes)
    return at_work("free_lb", bench.model, bench.tasks, settings)


def gradients_of(bench, **changes):
    """The gradients of one batch's objective, and the embeddings that each pass had."""
    bench.model.zero_grad()
    seen = []
    hook = bench.model.register_forward_hook(lambda module, inputs, logits: seen.append(inputs[1].detach()))
    step = TrainStep(bench.model, bench.tasks, {"free_lb": free_lb(bench, **changes)})
    loss, _ = step(bench.batch("kind"), lambda task: 0.5)
    (0.5 * loss).backward()
    hook.remove()
    return [None if p.grad is None else p.grad.clone() for p in bench.model.parameters()], seen


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_gradient_is_the_sum_of_k_steps(tiny_bench, steps, weight):
    """w / K times the sum of the gradients at the perturbed inputs, and 1 - w times that at the clean one."""
    tiny_bench.model.eval()
    found, (clean, *perturbed) = gradients_of(tiny_bench, steps=steps, weight=weight)
    assert len(perturbed) == steps
    batch = tiny_bench.batch("kind")
    tiny_bench.model.zero_grad()
    for share, embeds in [(1 - weight, clean), *((weight / steps, each) for each in perturbed)]:
        words = tiny_bench.model.embed(batch.inputs["input_ids"])
        logits = tiny_bench.model("kind", words + (embeds - clean), batch.inputs)
        (0.5 * share * F.cross_entropy(logits, batch.targets["labels"])).backward()
    for one, parameter in zip(found, tiny_bench.model.parameters(), strict=True):
        if one is not None:
            torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-6)


def test_all_passes_have_the_masks_of_the_clean_one(tiny_bench):
    """Without noise the first pass has the clean loss exactly, although there is dropout."""
    tiny_bench.model.train()
    clean = tiny_bench.clean("kind")
    settings = preset("free_lb", "paper", noise=0.0, steps=1)
    same = at_work("free_lb", tiny_bench.model, tiny_bench.tasks, settings).loss(clean)
    assert float(same.figures["free_lb"]) == 0
    other = settings.model_copy(update={"dropout": "independent"})
    assert float(at_work("free_lb", tiny_bench.model, tiny_bench.tasks, other).loss(clean).figures["free_lb"]) != 0


def test_a_batch_without_gold_labels_has_no_term(tiny_bench):
    batch = tiny_bench.batch("kind")
    batch.targets.clear()
    assert free_lb(tiny_bench).loss(tiny_bench.clean("kind", batch)) is None
