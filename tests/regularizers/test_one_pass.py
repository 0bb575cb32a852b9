"""The one-pass attack (direction: fisher) against the exact Hessian of the divergence in the word embeddings."""

import pytest
import torch
from torch.autograd.functional import hessian
from torch.nn.attention import SDPBackend, sdpa_kernel

from mtsmart.losses import Role
from mtsmart.regularizers.shared.noise import Noise
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.conftest import LABELS

TUNED = preset("smart")
# One long step, l2 over the sentence: delta is the direction itself, of length epsilon.
BARE = TUNED.model_copy(
    update={"direction": "fisher", "norm": "l2", "scope": "sentence", "constraint": "normalize", "noise": 0.0}
)
PUBLISHED = 2e-4  # times the RMS of word embeddings, some 0.05: noise of 1e-5


def delta_of(bench, clean, **changes):
    config = BARE.model_copy(update=changes)
    regularizer = at_work("smart", bench.model, bench.tasks, config)
    return regularizer.perturbation(clean, clean.logits, config)


def exact(clean, row):
    """Eigenvalues (ascending) and eigenvectors of the divergence's Hessian in one row's real embeddings."""
    real = clean.batch.attention_mask[row].bool()
    embeds = clean.inputs_embeds.detach()

    def divergence(part):
        delta = torch.zeros_like(embeds)
        delta[row, real] = part.view(-1, embeds.shape[-1])
        logits = clean.forward(embeds + delta)
        return clean.task.divergence(logits, clean.logits.detach(), clean.batch, Role.ADVERSARIAL)

    size = int(real.sum()) * embeds.shape[-1]
    with sdpa_kernel(SDPBackend.MATH):  # fused attention has no second derivative
        return torch.linalg.eigh(hessian(divergence, torch.zeros(size, dtype=embeds.dtype)))


def two_classes(bench):
    """The task ``kind`` with two labels: its Hessian has rank 1."""
    task = bench.tasks["kind"]
    definition = TaskDefinition(**{**task.definition.model_dump(exclude_unset=True), "labels": ["x", "y"]})
    bench.tasks["kind"] = build_task("kind", definition)
    bench.model.head("kind").model.classifier = torch.nn.Linear(16, 2)


@pytest.mark.parametrize("name", ["kind", "score"])
def test_with_one_degree_of_freedom_it_is_the_dominant_eigenvector(tiny_bench, monkeypatch, name):
    """Two classes, or one number: the fixed point of the power iteration, whatever was drawn."""
    bench = tiny_bench
    monkeypatch.setitem(LABELS, "kind", ["x", "y"])
    if name == "kind":
        two_classes(bench)
    bench.model.double().eval()
    batch = bench.batch(name)
    for row in range(len(batch.rows)):
        clean = bench.clean(name, batch)
        delta = delta_of(bench, clean)
        real = clean.batch.attention_mask[row].bool()
        values, vectors = exact(clean, row)
        assert values[-1] > 1e3 * values[-2].abs()
        found = torch.nn.functional.normalize(delta[row, real].flatten(), dim=0)
        assert float((found @ vectors[:, -1]).abs()) == pytest.approx(1.0, abs=1e-5)


def test_with_more_it_grows_the_divergence_nearly_as_much(tiny_bench):
    """Three classes: Rayleigh's quotient of the direction, against the largest eigenvalue and random directions."""
    bench = tiny_bench
    bench.model.double().eval()
    clean = bench.clean("kind")
    values, vectors = exact(clean, 1)
    real = clean.batch.attention_mask[1].bool()
    matrix = vectors @ values.diag() @ vectors.T
    shares = []
    for seed in range(40):
        torch.manual_seed(seed)
        unit = torch.nn.functional.normalize(delta_of(bench, bench.clean("kind"))[1, real].flatten(), dim=0)
        shares.append(float(unit @ matrix @ unit / values[-1]))
    random = float(values.mean() / values[-1])
    assert max(shares) <= 1 + 1e-6
    assert sum(shares) / len(shares) > 0.5 > 10 * random


def forwards(bench, **changes):
    """Forward passes of the encoder that the term takes beside the clean one."""
    clean, count = bench.clean("kind"), []
    hook = bench.model.encoder.register_forward_pre_hook(lambda *_: count.append(1))
    config = TUNED.model_copy(update=changes)
    at_work("smart", bench.model, bench.tasks, config).loss(clean)
    hook.remove()
    return len(count)


def test_it_saves_a_forward_pass(tiny_bench):
    assert forwards(tiny_bench, direction="ascent") == 2
    assert forwards(tiny_bench, direction="fisher") == 1
    assert forwards(tiny_bench, direction="fisher", steps=3) == 3


def test_no_step_leaves_the_random_start(tiny_bench):
    clean = tiny_bench.clean("kind")
    deltas = []
    for direction in ("ascent", "fisher"):
        torch.manual_seed(0)
        deltas.append(delta_of(tiny_bench, clean, direction=direction, steps=0, noise=1.0))
    assert torch.equal(*deltas) and deltas[0].any()


def test_it_leaves_no_gradient_and_the_graph_for_the_backward_pass(tiny_bench):
    clean = tiny_bench.clean("kind")
    delta_of(tiny_bench, clean)
    assert all(parameter.grad is None for parameter in tiny_bench.model.parameters())
    clean.loss.backward()
    assert tiny_bench.model.encoder.word_embeddings.grad.abs().sum() > 0


@pytest.mark.parametrize("dropout", ["shared", "off"])
def test_r_is_above_that_of_random_signs(bench, dropout):
    """On the real encoder, at the default radius."""
    bench.model.train()
    config = TUNED.model_copy(update={"direction": "fisher", "dropout": dropout})
    regularizer = at_work("smart", bench.model, bench.tasks, config)
    torch.manual_seed(0)
    clean = bench.clean("kind")
    reference = regularizer.reference(clean, config)
    delta = regularizer.perturbation(clean, reference, config)
    signs = torch.randn_like(delta).sign() * config.epsilon * regularizer.embedding_rms
    values = []
    for each in (delta, signs * (delta != 0)):
        with torch.no_grad(), regularizer.dropout(clean, config):
            logits = clean.forward(clean.inputs_embeds + each)
            values.append(float(clean.task.divergence(logits, reference, clean.batch, Role.ADVERSARIAL)))
    assert values[0] > 10 * values[1]


@pytest.mark.slow
def test_in_bfloat16_it_keeps_the_direction_that_noise_loses(bench, monkeypatch):
    """Opposite noise gives the opposite gradient, in float32. Bfloat16 rounds noise of the published size away."""
    bench.model.eval()

    def directions(kind, autocast, sign=1):
        """Of one clean pass, with four draws of noise."""
        numbers = torch.Generator().manual_seed(0)
        monkeypatch.setattr(Noise, "of_sequences", lambda _, like: sign * torch.randn(like.shape, generator=numbers))
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            clean = bench.clean("kind")
            deltas = [delta_of(bench, clean, direction=kind, noise=PUBLISHED) for _ in range(4)]
        return torch.nn.functional.normalize(torch.cat(deltas).float().flatten(1), dim=1)

    def cosine(one, other):
        return (one * other).sum(1)

    def turn(autocast):
        """-1 where the direction turns with the noise."""
        return float(cosine(directions("ascent", autocast), directions("ascent", autocast, sign=-1)).mean())

    assert float(cosine(directions("fisher", False), directions("fisher", True)).min()) > 0.95
    assert turn(False) < -0.99
    assert turn(True) > -0.5
