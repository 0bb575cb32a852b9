"""The MBPP teacher: closed form, schedule, first update, one for all tasks."""

import pytest
import torch

from tests.regularizers.at_work import at_work, preset


def mbpp_of(bench, total_updates=10, **changes):
    return at_work("mbpp", bench.model, bench.tasks, preset("mbpp", "paper", **changes), total_updates)


def same_teachers(one, other):
    pairs = zip(one.teacher.model.parameters(), other.teacher.model.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def drift(model, generator):
    """Stands for an optimizer update."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 1e-2)


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_teacher_equals_the_closed_form_over_50_updates(tiny_bench, inner_steps):
    """theta~_n = prod(beta) theta_0 + sum of (1 - beta_i) theta_i * later betas, in float64."""
    model = tiny_bench.model
    mbpp = mbpp_of(tiny_bench, 100, inner_steps=inner_steps)
    history, betas = [[p.detach().double().clone() for p in model.parameters()]], []
    generator = torch.Generator().manual_seed(0)
    for update in range(1, 51):
        drift(model, generator)
        mbpp.after_update(lambda: model)
        if update % inner_steps == 0:
            history.append([p.detach().double().clone() for p in model.parameters()])
            betas.append(0.99 if update <= 10 else 0.999)
    weights = [torch.tensor(betas, dtype=torch.float64).prod()]
    for index, beta in enumerate(betas):
        weights.append((1 - beta) * torch.tensor(betas[index + 1 :], dtype=torch.float64).prod())
    for position, teacher in enumerate(mbpp.teacher.model.parameters()):
        expected = sum(w * thetas[position] for w, thetas in zip(weights, history, strict=True))
        torch.testing.assert_close(teacher.double(), expected, atol=1e-6, rtol=0)


def test_beta_switches_after_a_tenth_of_the_updates(tiny_bench):
    mbpp = mbpp_of(tiny_bench, 200)
    betas = []
    for _ in range(200):
        mbpp.after_update(lambda: tiny_bench.model)
        betas.append(mbpp.beta())
    assert betas == [0.99] * 20 + [0.999] * 180


@pytest.mark.parametrize(
    ("horizon", "inner_steps", "beta"), [(0.1, 1, 0.95), (0.1, 2, 0.9), (1.0, 1, 0.995), (0.001, 1, 0)]
)
def test_a_horizon_is_a_share_of_the_run(tiny_bench, horizon, inner_steps, beta):
    """The teacher's weights are on average 1 / (1 - beta) moves old: ``horizon`` times all updates."""
    mbpp = mbpp_of(tiny_bench, 200, horizon=horizon, inner_steps=inner_steps)
    for _ in range(200):
        assert mbpp.beta() == pytest.approx(beta)
        mbpp.after_update(lambda: tiny_bench.model)


@pytest.mark.parametrize(
    ("keep", "names"), [("student", ["student"]), ("teacher", ["teacher"]), ("better", ["student", "teacher"])]
)
def test_whose_weights_are_scored(tiny_bench, keep, names):
    mbpp = mbpp_of(tiny_bench, keep=keep)
    models = mbpp.candidates({"student": tiny_bench.model})
    assert list(models) == names
    assert models.get("student", tiny_bench.model) is tiny_bench.model
    assert models.get("teacher", mbpp.teacher.model) is mbpp.teacher.model


@pytest.mark.parametrize("name", ["kind", "score"])
def test_d_is_zero_at_the_first_update_without_dropout(bench, name):
    bench.model.eval()
    mbpp = mbpp_of(bench, 10)
    term, figures = mbpp.loss(bench.clean(name))
    assert float(term) == float(figures["D"]) == 0.0


@pytest.mark.parametrize("name", ["kind", "score"])
def test_d_grows_with_the_distance_and_trains_only_the_student(tiny_bench, name):
    model = tiny_bench.model.eval()
    mbpp = mbpp_of(tiny_bench, 10, weight=2.0)
    drift(model, torch.Generator().manual_seed(1))
    term, figures = mbpp.loss(tiny_bench.clean(name))
    assert float(figures["D"]) > 0
    assert float(term) == pytest.approx(2 * float(figures["D"]))
    term.backward()
    assert all(p.grad is None and not p.requires_grad for p in mbpp.teacher.model.parameters())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.encoder.parameters())


def test_the_teacher_never_has_dropout(tiny_bench):
    """Two passes of a training student give the same teacher prediction: D differs only by the student's masks."""
    tiny_bench.model.train()
    mbpp = mbpp_of(tiny_bench, 10)
    clean = tiny_bench.clean("kind")
    state = torch.get_rng_state()
    first = mbpp.loss(clean)[0]
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first, mbpp.loss(clean)[0])
    assert not any(module.training for module in mbpp.teacher.model.modules())


def test_distance_is_relative_to_the_student(tiny_bench):
    model = tiny_bench.model
    mbpp = mbpp_of(tiny_bench, 10)
    assert mbpp.measure(model) == {"teacher_distance": 0.0}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    assert mbpp.measure(model)["teacher_distance"] == pytest.approx(0.5, rel=1e-5)


def test_state_round_trip(tiny_bench):
    model = tiny_bench.model
    mbpp = mbpp_of(tiny_bench, 10)
    drift(model, torch.Generator().manual_seed(2))
    mbpp.after_update(lambda: model)
    other = mbpp_of(tiny_bench, 10)
    other.load_state(mbpp.state_dict(), {key: value.clone() for key, value in mbpp.tensors().items()})
    assert other.updates == 1
    assert same_teachers(mbpp, other)
    other.after_update(lambda: model)  # the foreach update must see the loaded tensors, not stale ones
    mbpp.after_update(lambda: model)
    assert same_teachers(mbpp, other)


def test_every_second_update_with_twice_the_weight_while_the_teacher_moves_at_each(tiny_bench):
    model = tiny_bench.model.eval()
    lazy = mbpp_of(tiny_bench, 10, every=2)
    always = mbpp_of(tiny_bench, 10)
    generator, terms = torch.Generator().manual_seed(3), []
    for _ in range(4):
        drift(model, generator)
        term, expected = lazy.loss(tiny_bench.clean("kind")), always.loss(tiny_bench.clean("kind"))[0]
        terms.append(0.0 if term is None else float(term[0] / expected))
        for each in (lazy, always):
            each.after_update(lambda: model)
    assert terms == pytest.approx([0, 2, 0, 2])
    assert same_teachers(lazy, always)
