"""R-Drop against its formula, written plainly with a Hugging Face model's own passes."""

import pytest
import torch
import torch.nn.functional as F

from mtsmart.regularizers import Context
from mtsmart.regularizers.r_drop import RDrop
from tests.regularizers.at_work import at_work, preset


def r_drop(bench, **changes):
    return at_work("r_drop", bench.model, bench.tasks, preset("r_drop", "paper", **changes))


def loss_of(bench, name, **changes):
    """The loss with the term, its figure, and the logits of both passes."""
    passes = []
    hook = bench.model.register_forward_hook(lambda module, inputs, logits: passes.append(logits))
    torch.manual_seed(3)
    clean = bench.clean(name)
    value, figures = r_drop(bench, **changes).loss(clean)
    hook.remove()
    return clean.loss + value, figures["r_drop"], passes


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
def test_the_loss_is_half_of_the_papers(tiny_bench, alpha):
    """Equations 2 to 4: -log p1 - log p2 + alpha / 2 (KL(p1 || p2) + KL(p2 || p1)), and half of it here."""
    tiny_bench.model.train()
    total, figure, (first, second) = loss_of(tiny_bench, "kind", alpha=alpha)
    assert not torch.equal(first, second)  # masks of their own
    labels = tiny_bench.batch("kind").targets["labels"]
    p, q = (torch.log_softmax(logits.double(), -1) for logits in (first, second))
    both_ways = F.kl_div(q, p, log_target=True, reduction="none").sum(-1).mean()
    both_ways = both_ways + F.kl_div(p, q, log_target=True, reduction="none").sum(-1).mean()
    paper = F.cross_entropy(first, labels) + F.cross_entropy(second, labels) + alpha / 2 * both_ways
    assert float(total.detach()) == pytest.approx(float(paper.detach()) / 2, rel=1e-5)
    assert float(figure) == pytest.approx(float(both_ways.detach()), rel=1e-4)


def test_regression_compares_squared_differences(tiny_bench):
    tiny_bench.model.train()
    total, figure, (first, second) = loss_of(tiny_bench, "score", alpha=2.0)
    labels = tiny_bench.batch("score").targets["labels"]
    expected = (F.mse_loss(first.squeeze(-1), labels) + F.mse_loss(second.squeeze(-1), labels)) / 2
    expected = expected + 0.5 * F.mse_loss(first, second)
    assert float(total.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert float(figure) == pytest.approx(float(F.mse_loss(first, second).detach()), rel=1e-5)


def test_both_passes_are_trained(tiny_bench):
    """The gradient is that of the two passes' losses, and not of the first one's alone."""
    tiny_bench.model.train()
    parameter = tiny_bench.model.encoder.word_embeddings
    total, _, (first, second) = loss_of(tiny_bench, "kind", alpha=0.0)
    labels = tiny_bench.batch("kind").targets["labels"]
    mean = (F.cross_entropy(first, labels) + F.cross_entropy(second, labels)) / 2
    (expected,) = torch.autograd.grad(mean, parameter, retain_graph=True)
    (found,) = torch.autograd.grad(total, parameter)
    torch.testing.assert_close(found, expected)


def test_without_dropout_it_changes_nothing(tiny_bench):
    tiny_bench.model.eval()
    total, figure, _ = loss_of(tiny_bench, "kind")
    assert float(figure) == 0.0
    assert float(total.detach()) == float(tiny_bench.clean("kind").loss.detach())


def test_the_weight_moves_from_the_plain_loss_to_the_method(tiny_bench):
    """Weight 1/2: half of the way from L to the method's loss."""
    tiny_bench.model.train()
    whole, _, _ = loss_of(tiny_bench, "kind")
    half, _, _ = loss_of(tiny_bench, "kind", weight=0.5)
    torch.manual_seed(3)
    plain = float(tiny_bench.clean("kind").loss.detach())
    assert float(half.detach()) == pytest.approx((plain + float(whole.detach())) / 2, rel=1e-6)


def test_a_model_without_dropout_is_told(tiny_bench):
    context = Context(tiny_bench.model, tiny_bench.tasks, 10)
    assert RDrop.reason_idle(context) is None
    for module in tiny_bench.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    assert RDrop.reason_idle(context) == "the model has no dropout, so its two passes are equal"
