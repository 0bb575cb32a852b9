"""VAT's perturbation and its target. Its formula over twenty updates is in test_against_the_reference.py."""

import pytest
import torch

from mtsmart.regularizers.shared.perturbation import Ball, Norm, Scope, power_iteration
from tests.regularizers.at_work import at_work, preset


def vat(bench, **changes):
    return at_work("vat", bench.model, bench.tasks, preset("vat", "paper", **changes))


def test_power_iteration_finds_the_largest_eigenvector():
    """Of the Hessian A of the divergence r^T A r / 2, for each text by itself."""
    torch.manual_seed(0)
    ball = Ball(2.0, Norm.L2, Scope.SENTENCE)
    root = torch.randn(2, 6, 6, dtype=torch.float64)
    hessians = root @ root.mT
    mask = torch.ones(2, 3, dtype=torch.int64)

    def divergence(r):
        flat = r.reshape(2, 6, 1)
        return (flat.mT @ hessians @ flat).sum() / 2

    found = power_iteration(divergence, torch.randn(2, 3, 2, dtype=torch.float64), mask, ball, 500, 1e-3).reshape(2, 6)
    largest = torch.linalg.eigh(hessians).eigenvectors[:, :, -1]
    torch.testing.assert_close((found * largest).sum(1).abs(), torch.full((2,), 2.0, dtype=torch.float64))


@pytest.mark.parametrize("steps", [0, 1])
def test_the_perturbation_of_a_text_has_the_length_epsilon(tiny_bench, steps):
    clean = tiny_bench.clean("kind")
    seen = []
    hook = tiny_bench.model.register_forward_hook(lambda module, inputs, logits: seen.append(inputs[1]))
    method = vat(tiny_bench, steps=steps, epsilon=1.5)
    method.loss(clean)
    hook.remove()
    r = (seen[-1] - clean.inputs_embeds).detach()
    expected = torch.full((len(r),), 1.5 * method.embedding_rms)
    torch.testing.assert_close(r.flatten(1).norm(dim=1), expected, rtol=1e-4, atol=0)
    assert not r[clean.batch.attention_mask == 0].any()


def test_the_clean_prediction_is_a_constant(tiny_bench):
    tiny_bench.model.eval()
    clean = tiny_bench.clean("kind")
    value = vat(tiny_bench, xi=1.0).loss(clean).value
    assert torch.autograd.grad(value, clean.logits, allow_unused=True) == (None,)


def test_rows_without_labels_have_the_same_term(tiny_bench):
    tiny_bench.model.eval()
    labelled, unlabelled = tiny_bench.batch("kind"), tiny_bench.batch("kind")
    unlabelled.targets.clear()
    one, other = (vat(tiny_bench).loss(tiny_bench.clean("kind", batch)) for batch in (labelled, unlabelled))
    assert float(one.value.detach()) == float(other.value.detach()) > 0
