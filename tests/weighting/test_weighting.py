"""From losses to gradients: the mean, learned weights, gradients of each task apart; in the real trainer too."""

import json

import pytest
import torch
from torch import nn

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.config.weightings import WEIGHTINGS
from mtsmart.errors import ConfigError
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from mtsmart.weighting import GradientWeighting, Weighting, WeightingSettings
from tests.training.test_resume import StopAt, assert_same_run
from tests.weighting.fixed import Fixed, context


class Learned(Weighting[WeightingSettings]):
    """Multiplies a task's objective by a learned number."""

    learning_rate_factor = 100.0

    def __init__(self, context, settings):
        super().__init__(context, settings)
        self.factors = nn.Parameter(torch.ones(len(context.tasks)))

    def combine(self, losses):
        for one in losses:
            weight = self.factors[self.context.tasks.index(one.task)]
            losses.backward((weight * one.objective + (weight - 1) ** 2) / len(losses))

    def factor(self, task, batches):
        return float(self.factors[self.context.tasks.index(task)].detach()) / batches

    def measure(self):
        return {"first_factor": float(self.factors[0].detach())}


class Surgery(GradientWeighting[WeightingSettings]):
    """PCGrad for two tasks (Yu et al. 2020, algorithm 1): what conflicts with the other task is projected away."""

    needs_rounds = True

    def merge(self, gradients, tasks):
        first, second = gradients
        conflict = (first @ second).clamp_max(0.0)
        first_kept = first - conflict / (second @ second) * second
        second_kept = second - conflict / (first @ first) * first
        return first_kept + second_kept


class Summed(GradientWeighting[WeightingSettings]):
    """The sum of the gradients, over the number of batches: the mean by another way."""

    def merge(self, gradients, tasks):
        return gradients.mean(0)


@pytest.fixture
def registered():
    """The weightings of this file, by name."""
    with WEIGHTINGS.lending({weighting.__name__.lower(): weighting for weighting in (Learned, Surgery, Summed)}):
        yield


def test_the_mean_is_the_mean_of_the_gradients():
    losses = Fixed({"a": lambda p: 3 * p[0], "b": lambda p: p[1] ** 2})
    WEIGHTINGS["mean"](context(), WeightingSettings()).combine(losses)
    torch.testing.assert_close(losses.point.grad, torch.tensor([1.5, 2.0]))


def test_conflicting_gradients_are_projected_as_computed_by_hand():
    """g1 = (1, 0), g2 = (-1, 1): g1' = (1/2, 1/2), g2' = (0, 1)."""
    losses = Fixed({"a": lambda p: p[0], "b": lambda p: p[1] - p[0]})
    Surgery(context(), WeightingSettings()).combine(losses)
    torch.testing.assert_close(losses.point.grad, torch.tensor([0.5, 1.5]))


def test_gradients_that_agree_are_added():
    losses = Fixed({"a": lambda p: p[0], "b": lambda p: p[0] + p[1]})
    Surgery(context(), WeightingSettings()).combine(losses)
    torch.testing.assert_close(losses.point.grad, torch.tensor([2.0, 1.0]))


SETTINGS = ["mixing.strategy=rounds", "training.epochs=2", "training.log_every=1", "training.keep_checkpoints=99"]


def weights(run):
    from safetensors.torch import load_file

    return load_file(run / "model" / "encoder" / "model.safetensors")


def test_the_mean_of_gradients_apart_trains_as_the_mean(workspace, registered):
    """Terms included: both regularisers are on."""
    runs = {}
    for name in ("mean", "summed"):
        settings = [*SETTINGS, f"weighting={name}"]
        runs[name] = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / name).path
    for key, tensor in weights(runs["mean"]).items():
        torch.testing.assert_close(weights(runs["summed"])[key], tensor, rtol=1e-4, atol=1e-5)


def test_learned_weights_move_are_logged_and_resume_to_the_bit(workspace, registered):
    settings = [*SETTINGS, "weighting=learned"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    factors = [line["first_factor"] for line in lines if line["type"] == "train"]
    assert factors[-1] != factors[0]
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=StopAt(3))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert_same_run(whole, stopped, ["mbpp", "smart", "weighting"])


def test_learned_weights_have_an_optimizer_group_of_their_own_without_decay(workspace, registered):
    setup = prepare(load_experiment(workspace.experiment, [*SETTINGS, "weighting=learned"]))
    trainer = Trainer(setup, RunFolder(workspace.folder / "run"))
    group = trainer.optimizer.param_groups[-1]
    assert group["params"] == list(trainer.weighting.parameters())
    assert (group["weight_decay"], group["factor"]) == (0.0, 100.0)


def test_a_run_without_learned_weights_has_no_file_for_them(workspace):
    settings = ["training.max_updates=1"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run").path
    assert not (list_checkpoints(run / "checkpoints")[-1] / "weighting.safetensors").exists()


def test_a_weighting_that_needs_rounds_is_refused_without_them(workspace, registered, cli):
    done = cli("train", workspace.experiment, "weighting=surgery")
    assert done.code == 2
    assert "weighting: needs a batch of each task in every update, got 'surgery'" in done.err
    assert "mixing.strategy=rounds" in done.err
    assert cli("train", workspace.experiment, "weighting=surgery", "mixing.strategy=rounds", "-o", "run").code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weighting: men", "weighting: there is no weighting 'men'. Did you mean 'mean'?"),
        ("weighting: {mean: {rate: 1}}", "weighting.mean.rate: unknown key"),
        ("weighting: {mean: {}, learned: {}}", "names several weightings"),
        ("weighting: [mean]", "weighting: should be the name of a weighting"),
    ],
)
def test_a_wrong_weighting_is_one_line(workspace, registered, cli, text, message):
    workspace.write_experiment(workspace.experiment.read_text() + text + "\n")
    done = cli("train", workspace.experiment)
    assert done.code == 2 and "Traceback" not in done.err
    assert message in done.err and "experiment.yaml" in done.err


def test_another_weighting_on_the_command_line_replaces_the_files(workspace, registered):
    workspace.write_experiment(workspace.experiment.read_text() + "weighting: learned\n")
    config = load_experiment(workspace.experiment, ["weighting=mean"]).config
    assert config.weighting.name == "mean"
    assert load_experiment(workspace.experiment).config.weighting.name == "learned"


def test_a_key_of_no_weighting_is_no_error_of_another_kind(workspace):
    with pytest.raises(ConfigError, match=r"weighting: there is no weighting 'nothing'\. Choose from: .*mean"):
        load_experiment(workspace.experiment, ["weighting=nothing"])


def test_another_weighting_is_another_run(workspace, registered, cli):
    """Also one that has no settings."""
    assert cli("train", workspace.experiment, "training.epochs=1", "-o", "run").code == 0
    done = cli("train", workspace.experiment, "training.epochs=1", "weighting=learned", "-o", "run", "--resume")
    assert done.code == 2 and "weighting.learned" in done.err
    again = cli("train", workspace.experiment, "training.epochs=1", "weighting=mean", "-o", "run", "--resume")
    assert again.code == 0, again.err
