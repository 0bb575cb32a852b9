"""Gradients, cosines and look-ahead losses against sums written plainly; a measurement changes nothing."""

import pytest
import torch
from torch import nn

from mtsmart.affinity.batches import Draw
from mtsmart.affinity.gradients import cosines, encoder_gradients, loss_on
from mtsmart.affinity.look_ahead import Step, look_ahead
from mtsmart.affinity.measuring import measure
from mtsmart.config import load_experiment
from mtsmart.models.weights import trained
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

SETTINGS = ["mixing.strategy=rounds", "smart=off", "mbpp=off", "training.epochs=1"]


@pytest.fixture
def trainer(workspace):
    trainer = Trainer(prepare(load_experiment(workspace.experiment, SETTINGS)), RunFolder(workspace.folder / "run"))
    trainer.update(next(iter(trainer.updates())))
    trainer.setup.model.eval()
    return trainer


def parts(trainer):
    model = trainer.setup.model
    shared = list(trained(model.encoder).values())
    draw = Draw(trainer.setup, list(trainer.setup.train), 2, trainer.device)
    return model, trainer.setup.task_types, shared, draw


def test_the_cosines_of_vectors():
    found = cosines(torch.tensor([[1.0, 0.0], [1.0, 1.0], [-2.0, 0.0], [0.0, 0.0]]))
    half = 0.5**0.5
    expected = [[1, half, -1, 0], [half, 1, -half, 0], [-1, -half, 1, 0], [0, 0, 0, 0]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_a_row_is_the_gradient_of_the_tasks_mean_loss(trainer):
    model, types, shared, draw = parts(trainer)
    batches = draw.training(0)
    rows = encoder_gradients(model, types, batches, shared)
    for row, (name, of_task) in zip(rows, batches.items(), strict=True):
        model.zero_grad()
        loss_on(model, types[name], of_task).backward()
        expected = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in shared])
        torch.testing.assert_close(row, expected, atol=1e-6, rtol=1e-4)


def test_the_step_divides_by_what_adam_has_seen():
    """After one update with the gradient g, v / (1 - beta2) is g^2."""
    point = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = torch.optim.AdamW([point], lr=1.0)
    point.grad = torch.tensor([2.0, 0.5])
    optimizer.step()
    (change,) = Step(optimizer, rate=0.1, limit=None).changes(torch.tensor([1.0, 1.0]), [point])
    torch.testing.assert_close(change, torch.tensor([-0.05, -0.2]))


def test_the_step_divides_by_what_adamax_has_seen_and_is_clipped():
    point = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = torch.optim.Adamax([point], lr=1.0)
    point.grad = torch.tensor([2.0, 0.5])
    optimizer.step()
    (change,) = Step(optimizer, rate=0.1, limit=1.0).changes(torch.tensor([3.0, 4.0]), [point])
    torch.testing.assert_close(change, torch.tensor([-0.1 * 0.6 / 2, -0.1 * 0.8 / 0.5]))


def test_a_parameter_that_never_had_a_gradient_stays():
    point = nn.Parameter(torch.tensor([1.0]))
    (change,) = Step(torch.optim.AdamW([point]), rate=0.1, limit=None).changes(torch.tensor([3.0]), [point])
    assert float(change) == 0


def test_the_affinity_is_one_minus_the_ratio_of_the_losses(trainer):
    """The same by hand, in a copy of the model."""
    import copy

    model, types, shared, draw = parts(trainer)
    gradients = encoder_gradients(model, types, draw.training(0), shared)
    held = draw.held(0)
    step = Step(trainer.optimizer, 1e-2, 1.0)
    found = look_ahead(model, types, gradients, held, shared, step)
    for row, gradient in zip(found, gradients, strict=True):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            places = list(trained(moved.encoder).values())
            for parameter, change in zip(places, step.changes(gradient, shared), strict=True):
                parameter.add_(change)
            for value, (name, batches) in zip(row, held.items(), strict=True):
                before, after = (loss_on(each, types[name], batches).double() for each in (model, moved))
                torch.testing.assert_close(value, 1 - after / before)


def test_a_step_on_a_task_lowers_its_own_loss(trainer):
    model, types, shared, draw = parts(trainer)
    batches = draw.training(0)
    gradients = encoder_gradients(model, types, batches, shared)
    found = look_ahead(model, types, gradients, batches, shared, Step(trainer.optimizer, 1e-6, 1.0))
    assert bool((found.diagonal() > 0).all())


def test_a_measurement_leaves_the_model_and_the_random_numbers_alone(trainer):
    model, types, shared, draw = parts(trainer)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    gradients = encoder_gradients(model, types, draw.training(0), shared)
    look_ahead(model, types, gradients, draw.held(0), shared, Step(trainer.optimizer, 1.0, None))
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
    assert torch.get_rng_state().equal(random)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_rows_that_are_compared_are_validation_rows(trainer):
    _, _, _, draw = parts(trainer)
    first, again, next_one = (draw.held(number) for number in (0, 0, 1))
    for name, split in trainer.setup.validation.items():
        rows = [row for batch in first[name] for row in batch.rows]
        assert set(rows) <= set(split.rows["row"])
        assert rows == [row for batch in again[name] for row in batch.rows]
        assert rows != [row for batch in next_one[name] for row in batch.rows]


@pytest.mark.parametrize(("settings", "times"), [([], 1), (["encoder.gradient_checkpointing=true"], 0)])
def test_freed_memory_is_kept_as_in_training(workspace, monkeypatch, settings, times):
    """Where the user gives time for memory, it goes back to the system instead."""
    kept = []
    monkeypatch.setattr("mtsmart.cpu.allocator.keep_freed_memory", lambda: kept.append(True))
    experiment = load_experiment(workspace.experiment, [*SETTINGS, "training.max_updates=2", *settings])
    measure(experiment, 2, 1, lambda text: None)
    assert len(kept) == times
