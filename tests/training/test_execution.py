"""The step on its device: precision, and a process whose own use of accelerate must stay as it is."""

import pytest
import torch
from accelerate import Accelerator

from mtsmart.config import load_experiment
from mtsmart.data.loader import load_batches
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from tests.forked import Forked


def use_accelerate_too(experiment, folder, order):
    """Make a trainer, and an accelerator of one's own before it or after it."""
    if order == "accelerator first":
        accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    Trainer(prepare(load_experiment(experiment, ["training.precision=float32"])), RunFolder(folder))
    if order == "trainer first":
        accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    again = Accelerator()
    assert accelerator.mixed_precision == again.mixed_precision == "bf16", again.mixed_precision
    assert accelerator.state.initialized


@pytest.mark.parametrize("order", ["accelerator first", "trainer first"])
def test_a_trainer_leaves_the_accelerate_of_its_process_alone(workspace, order):
    arguments = (workspace.experiment, workspace.folder / "run", order)
    process = Forked(use_accelerate_too, *arguments, out=workspace.folder / "out")
    assert process.wait() == 0, process.out.read_text()


def test_loss_and_figures_are_float32_under_autocast_and_differ_from_those_without(workspace):
    losses = {}
    for precision in ("float32", "bfloat16"):
        overrides = [f"training.precision={precision}", "encoder.dropout=0"]
        setup = prepare(load_experiment(workspace.experiment, overrides))
        trainer = Trainer(setup, RunFolder(workspace.folder / precision))
        (batch,) = load_batches(trainer.sampler.plan(0)[:1], setup.train, setup.collate)
        trainer.executor.train()
        loss, figures = trainer.executor(batch)
        trainer.executor.backward(loss)
        assert {tensor.dtype for tensor in (loss, *figures.values())} == {torch.float32}
        assert {p.grad.dtype for p in setup.model.parameters() if p.grad is not None} == {torch.float32}
        losses[precision] = loss.item()
    assert losses["float32"] != losses["bfloat16"]
    assert losses["float32"] == pytest.approx(losses["bfloat16"], rel=0.1)
