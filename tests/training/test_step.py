"""The objective: what TrainStep adds up, gradients against float64, weights per task."""

import pytest
import torch

from mtsmart.losses import Role
from mtsmart.training.step import TrainStep
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.conftest import Bench


@pytest.fixture
def bench(tiny_encoder):
    return Bench(str(tiny_encoder))


def labelled(bench, name):
    batch = bench.batch(name)
    labels = torch.tensor([0, 2, 1]) if name == "kind" else torch.tensor([1.5, -0.5])
    batch.targets["labels"] = labels
    return batch


@pytest.mark.parametrize("name", ["kind", "score"])
def test_loss_is_the_task_loss_plus_weighted_terms(bench, name):
    """loss = w (L + lambda R + mu D), from the figures that the step reports."""
    bench.model.train()
    bench.tasks[name].definition = bench.tasks[name].definition.model_copy(update={"weight": 2.0})
    regularizers = {
        "smart": at_work("smart", bench.model, bench.tasks, preset("smart", weight=3.0)),
        "mbpp": at_work("mbpp", bench.model, bench.tasks, preset("mbpp", "paper", weight=0.5)),
    }
    with torch.no_grad():
        next(bench.model.parameters()).add_(0.1)  # apart from the teacher
    loss, figures = TrainStep(bench.model, bench.tasks, regularizers)(labelled(bench, name))
    expected = 2.0 * (figures["loss"] + 3.0 * figures["R"] + 0.5 * figures["D"])
    assert float(figures["R"]) > 0 and float(figures["D"]) > 0
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_smart_works_with_frozen_word_embeddings(bench, direction):
    bench.model.train()
    bench.model.encoder.word_embeddings.requires_grad_(False)
    smart = at_work("smart", bench.model, bench.tasks, preset("smart", direction=direction))
    step = TrainStep(bench.model, bench.tasks, {"smart": smart})
    loss, figures = step(labelled(bench, "kind"))
    loss.backward()
    assert float(figures["R"]) > 0
    assert bench.model.encoder.word_embeddings.grad is None


@pytest.mark.parametrize(
    ("terms", "has_graph"),
    [
        ({}, False),
        ({"mbpp": preset("mbpp", "paper")}, False),
        ({"r_drop": preset("r_drop", "paper")}, False),
        ({"smart": preset("smart", direction="ascent")}, False),
        ({"smart": preset("smart", direction="predicted", steps=0)}, False),
        ({"smart": preset("smart", direction="predicted", every=2)}, False),
        ({"smart": preset("smart", direction="predicted")}, True),
        ({"smart": preset("smart", direction="fisher"), "mbpp": preset("mbpp", "paper")}, True),
    ],
    ids=["no term", "MBPP", "R-Drop", "ascent", "no step", "not in this update", "predicted", "fisher and MBPP"],
)
def test_a_frozen_encoder_builds_a_graph_only_for_a_direction_through_it(bench, terms, has_graph):
    bench.model.train()
    bench.model.encoder.requires_grad_(False)
    methods = {name: at_work(name, bench.model, bench.tasks, settings) for name, settings in terms.items()}
    outputs = []
    hook = bench.model.encoder.register_forward_hook(lambda *seen: outputs.append(seen[-1].last_hidden_state))
    loss, _ = TrainStep(bench.model, bench.tasks, methods)(labelled(bench, "kind"))
    hook.remove()
    assert outputs[0].requires_grad == has_graph
    assert not (outputs[1:] and outputs[-1].requires_grad)  # the perturbed pass, or R-Drop's second one
    loss.backward()
    assert all(parameter.grad is not None for parameter in bench.model.head("kind").parameters())


@pytest.mark.parametrize("name", ["kind", "score"])
def test_without_regularisers_it_is_the_criterion(bench, name):
    bench.model.eval()
    loss, figures = TrainStep(bench.model, bench.tasks, {})(labelled(bench, name))
    assert set(figures) == {"loss"}
    assert float(loss.detach()) == float(figures["loss"])


def test_the_objectives_gradient_matches_float64_differences(bench):
    """L + R + D with a fixed perturbation start, differentiated by hand in float64 along a random direction.

    The perturbation is a constant of the gradient (it is found, not differentiated), so the difference quotient
    keeps the delta that the unshifted weights found.
    """
    bench.model.double().eval()
    task, batch = bench.tasks["kind"], labelled(bench, "kind")
    smart = at_work("smart", bench.model, bench.tasks, preset("smart"))
    mbpp = at_work("mbpp", bench.model, bench.tasks, preset("mbpp", "paper"))
    with torch.no_grad():
        for parameter in bench.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 1e-2)
    clean = bench.clean("kind", batch)
    delta = smart.perturbation(clean, clean.logits, smart.settings["kind"])

    def objective():
        inside = bench.clean("kind", batch)
        moved = inside.forward(inside.inputs_embeds + delta)
        total = task.criterion(inside.logits, batch) + task.divergence(moved, inside.logits, batch, Role.ADVERSARIAL)
        return total + mbpp.loss(inside)[0]

    parameters = list(bench.model.encoder.parameters())
    direction = [torch.randn_like(p) for p in parameters]
    gradients = torch.autograd.grad(objective(), parameters, allow_unused=True)
    along = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True) if g is not None)
    step, values = 1e-4, []
    for sign in (1, -2):
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p.add_(sign * step * d)
        values.append(float(objective()))
    # The divergences compute in float32, which bounds what a difference quotient can resolve.
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(along, rel=2e-2)


def test_smart_settings_of_a_task_win_over_the_experiments(workspace):
    from mtsmart.config import load_experiment
    from mtsmart.regularizers import Context, build_regularizers
    from mtsmart.training.setup import prepare

    overrides = ["smart.weight=2", "tasks.near.smart.weight=7", "tasks.near.smart.norm=l2"]
    setup = prepare(load_experiment(workspace.experiment, overrides))
    built = build_regularizers(setup.config, Context(setup.model, setup.task_types, 10))["smart"]
    assert (built.settings["color"].weight, built.settings["near"].weight) == (2, 7)
    assert (built.settings["color"].norm, built.settings["near"].norm) == ("linf", "l2")


def test_regularisers_that_are_off_are_not_built(workspace):
    from mtsmart.config import load_experiment
    from mtsmart.regularizers import Context, build_regularizers
    from mtsmart.training.setup import prepare

    setup = prepare(load_experiment(workspace.experiment, ["smart=off", "mbpp=off"]))
    assert build_regularizers(setup.config, Context(setup.model, setup.task_types, 10)) == {}
