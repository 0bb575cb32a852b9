"""SMART's invariants on the real encoder."""

import pytest
import torch

from mtsmart.losses import Role
from mtsmart.models.encoder import Encoder
from tests.regularizers.at_work import at_work, preset

TUNED = preset("smart")
TASKS = ["kind", "score"]


def smart(bench, **changes):
    return at_work("smart", bench.model, bench.tasks, preset("smart", **changes))


def at_zero(bench, name, training, dropout):
    """R at delta = 0: no noise, no steps."""
    bench.model.train(training)
    torch.manual_seed(1)
    return float(smart(bench, noise=0.0, steps=0, dropout=dropout).loss(bench.clean(name))[1]["R"])


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize(
    ("training", "dropout"), [(True, "shared"), (True, "off"), (False, "shared"), (False, "independent")]
)
def test_r_is_zero_at_delta_zero(bench, name, training, dropout):
    assert abs(at_zero(bench, name, training, dropout)) <= 1e-7


@pytest.mark.parametrize("name", TASKS)
def test_independent_masks_alone_make_r_large(bench, name):
    """Why shared masks are the default."""
    assert at_zero(bench, name, True, "independent") > 1e-5


@pytest.mark.parametrize("direction", ["ascent", "fisher"])
@pytest.mark.parametrize("name", TASKS)
def test_delta_stays_in_the_ball_and_off_the_padding(bench, name, direction):
    regularizer = smart(bench, direction=direction)
    clean = bench.clean(name)
    mask = clean.batch.attention_mask
    assert (mask == 0).any()
    delta = regularizer.perturbation(clean, clean.logits, regularizer.settings[name])
    assert float(delta.abs().max()) <= TUNED.epsilon * regularizer.embedding_rms * (1 + 1e-6)
    assert torch.equal(delta[mask == 0], torch.zeros_like(delta[mask == 0]))


@pytest.mark.parametrize("direction", ["ascent", "fisher"])
@pytest.mark.parametrize("name", TASKS)
def test_absolute_and_relative_lengths_agree(bench, name, direction):
    bench.model.eval()
    rms = bench.model.encoder.embedding_rms()
    absolute = {key: getattr(TUNED, key) * rms for key in ("epsilon", "step_size", "noise")}
    values = []
    for changes in ({}, {"epsilon_unit": "absolute", **absolute}):
        torch.manual_seed(2)
        values.append(float(smart(bench, direction=direction, **changes).loss(bench.clean(name))[0].detach()))
    assert values[0] == pytest.approx(values[1], rel=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_gradients_flow_through_both_sides(bench, name):
    """Detaching the clean side changes the gradient: R is symmetric in what it trains."""
    bench.model.eval()
    regularizer = smart(bench, direction="ascent")  # fisher's comes from the graph that is cut here
    gradients = []
    for detach in (False, True):
        bench.model.zero_grad()
        torch.manual_seed(3)
        clean = bench.clean(name)
        if detach:
            clean.logits = clean.logits.detach()
        regularizer.loss(clean)[0].backward()
        gradients.append(bench.model.encoder.model.encoder.layer[0].attention.self.query.weight.grad.clone())
    assert not torch.allclose(gradients[0], gradients[1])


def test_the_attack_leaves_no_gradient_on_weights(bench):
    regularizer = smart(bench)
    clean = bench.clean("kind")
    regularizer.perturbation(clean, clean.logits, TUNED)
    assert all(parameter.grad is None for parameter in bench.model.parameters())


@pytest.mark.parametrize("direction", ["ascent", "fisher"])
@pytest.mark.parametrize("dropout", ["shared", "off"])
def test_random_numbers_and_modes_go_on_as_before(bench, dropout, direction):
    """Noise comes from the batch's own seed; replayed masks and dropout-free passes leave no trace."""
    bench.model.train()
    torch.manual_seed(4)
    clean = bench.clean("kind")
    before = torch.get_rng_state()
    smart(bench, dropout=dropout, direction=direction).loss(clean)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in bench.model.modules())


@pytest.mark.parametrize("seen", [True, False])
def test_shared_masks_are_the_clean_passes(bench, monkeypatch, seen):
    """The perturbed pass at delta = 0 gives the clean logits bit for bit, masks kept or drawn again."""
    if not seen:  # operations that gradient checkpointing runs again cannot be seen
        monkeypatch.setattr(Encoder, "recomputes", True)
    bench.model.train()
    regularizer = smart(bench)
    clean = bench.clean("kind")
    with regularizer.dropout(clean, TUNED):
        again = clean.forward(clean.inputs_embeds)
    assert torch.equal(again, clean.logits)
    assert not torch.equal(clean.forward(clean.inputs_embeds), clean.logits)


def test_weight_zero_switches_a_task_off(bench):
    regularizer = smart(bench)
    regularizer.settings["kind"] = preset("smart", "off")
    assert regularizer.loss(bench.clean("kind")) is None
    assert regularizer.loss(bench.clean("score")) is not None


def test_every_third_update_with_three_times_the_weight(tiny_bench):
    """Lazy regularisation: the same gradient on average, at a third of the price."""
    tiny_bench.model.eval()
    always, lazy = smart(tiny_bench, weight=2.0), smart(tiny_bench, weight=2.0, every=3)
    terms = []
    for _ in range(7):
        torch.manual_seed(0)
        expected = always.loss(tiny_bench.clean("kind"))[0]
        torch.manual_seed(0)
        term = lazy.loss(tiny_bench.clean("kind"))
        terms.append(0.0 if term is None else float(term[0] / expected))
        lazy.after_update(lambda: tiny_bench.model)
    assert terms == pytest.approx([0, 0, 3, 0, 0, 3, 0])


def test_a_resumed_run_knows_which_update_is_due(tiny_bench):
    lazy, again = smart(tiny_bench, every=2), smart(tiny_bench, every=2)
    lazy.after_update(lambda: tiny_bench.model)
    again.load_state(lazy.state_dict(), lazy.tensors())
    assert again.loss(tiny_bench.clean("kind")) is not None


def test_the_term_is_the_weight_times_r_and_figures_are_reported(bench):
    bench.model.eval()
    term, figures = smart(bench, weight=5.0).loss(bench.clean("kind"))
    assert float(term) == pytest.approx(5 * float(figures["R"]), rel=1e-6)
    assert set(figures) == {"R", "delta/x", "flips"}
    assert 0 < float(figures["delta/x"]) < 0.1
    assert set(smart(bench).loss(bench.clean("score"))[1]) == {"R", "delta/x"}


def test_the_length_of_the_perturbation_is_reported_beside_that_of_real_tokens(bench):
    bench.model.eval()
    regularizer = smart(bench)
    clean = bench.clean("kind")
    _, figures = regularizer.loss(clean)
    settings = regularizer.settings["kind"]
    delta = regularizer.perturbation(clean, regularizer.reference(clean, settings), settings)
    real = clean.batch.attention_mask.bool()
    assert not real.all(), "padding, whose embeddings do not count"
    expected = delta[real].norm() / clean.inputs_embeds[real].norm()
    assert float(figures["delta/x"]) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("kind", "ascent"),
        ("score", "fisher"),
        pytest.param("kind", "fisher", marks=pytest.mark.slow),
        pytest.param("score", "ascent", marks=pytest.mark.slow),
    ],
)
def test_adversarial_beats_random_of_the_same_norm(bench, name, direction):
    """Over 10 batches, the direction found against random signs, both at full linf length."""
    bench.model.eval()
    words = "the man plays with red dogs near a house and eats many small fish on his boat".split()
    wins = 0
    for index in range(10):
        generator = torch.Generator().manual_seed(index)
        texts = [
            tuple(
                " ".join(words[i] for i in torch.randint(len(words), (6,), generator=generator))
                for _ in bench.tasks[name].definition.text
            )
            for _ in range(4)
        ]
        clean = bench.clean(name, bench.batch(name, texts))
        regularizer = smart(bench, direction=direction)
        delta = regularizer.perturbation(clean, clean.logits, regularizer.settings[name])
        mask = clean.batch.attention_mask.unsqueeze(-1)
        radius = TUNED.epsilon * regularizer.embedding_rms
        random = torch.randint(0, 2, delta.shape, generator=generator).float().mul(2).sub(1) * radius * mask
        with torch.no_grad():
            values = [
                float(
                    clean.task.divergence(
                        clean.forward(clean.inputs_embeds + d), clean.logits, clean.batch, Role.ADVERSARIAL
                    )
                )
                for d in (delta, random)
            ]
        wins += values[0] > values[1]
    assert wins >= 9
