"""Weightings that collect the losses of an update, and those that leave no gradient."""

import pytest
import torch

import mtsmart
from mtsmart.config.weightings import WEIGHTINGS
from mtsmart.errors import TrainingError
from mtsmart.weighting import GradientWeighting, Weighting, WeightingSettings
from tests.training.test_one_pass import experiment  # noqa: F401 (a fixture)
from tests.two_layers import tiny_encoder  # noqa: F401 (a fixture)
from tests.weighting.test_weighting import weights

ROUNDS = "mixing={strategy: rounds, one_pass: false}"
FEW = ["training.epochs=1", "smart=off", "mbpp=off"]


class Own(Weighting[WeightingSettings]):
    """A weighting whose factors are those of the mean."""

    Settings = WeightingSettings

    def factor(self, task, batches):
        return 1 / batches


class Collected(Own):
    """The mean, differentiated when all losses are there."""

    def combine(self, losses):
        losses.backward(torch.stack([one.objective for one in losses]).mean())


class EachLater(Own):
    """The mean, each part of which is differentiated when all losses are there."""

    def combine(self, losses):
        for one in list(losses):
            losses.backward(one.objective / len(losses))


class Nothing(Own):
    """Forgets to differentiate."""

    def combine(self, losses):
        for _ in losses:
            pass


class ByItself(Own):
    """Differentiates without asking."""

    def combine(self, losses):
        for one in losses:
            one.objective.backward()


class Twice(Own):
    """Asks for the losses again."""

    def combine(self, losses):
        total = sum(float(one.objective.detach()) for one in losses)
        for one in losses:
            losses.backward(one.objective / total)


class Detached(Own):
    """Gives losses without their graph."""

    def combine(self, losses):
        for one in losses:
            losses.backward(one.objective.detach())


class Several(Own):
    """Gives all losses at once."""

    def combine(self, losses):
        losses.backward(torch.stack([one.objective for one in losses]))


class Whole(GradientWeighting[WeightingSettings]):
    """Merges nothing."""

    Settings = WeightingSettings

    def merge(self, gradients, tasks):
        return gradients


class Forgetful(Whole):
    """Returns nothing."""

    def merge(self, gradients, tasks):
        gradients.mean(0)


def trained(file, folder, weighting, *settings):
    """The weights of a run with a weighting."""
    with WEIGHTINGS.lending({"own": weighting}):
        return weights(mtsmart.train(file, [*FEW, "weighting=own", *settings], output_dir=folder).path)


@pytest.mark.parametrize("weighting", [Collected, EachLater])
@pytest.mark.parametrize("mixing", ["mixing.one_pass=true", ROUNDS])
def test_losses_that_are_collected_train_as_the_mean(experiment, tmp_path, weighting, mixing):  # noqa: F811
    file = experiment()
    mean = weights(mtsmart.train(file, [*FEW, mixing], output_dir=tmp_path / "mean").path)
    collected = trained(file, tmp_path / "collected", weighting, mixing)
    for name, tensor in mean.items():
        torch.testing.assert_close(collected[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("weighting", "message"),
    [
        (
            Nothing,
            "the weighting 'own' (combine): leaves no gradient in any parameter, so the update trains nothing",
        ),
        (
            Detached,
            "the weighting 'own' (combine): calls losses.backward with what depends on no weights, as a detached",
        ),
        (
            Several,
            "the weighting 'own' (combine): calls losses.backward with what is of the type Tensor and of shape (3,)",
        ),
        (Whole, "the weighting 'own' (merge): gives what is of the type Tensor and of shape (3, "),
        (Forgetful, "the weighting 'own' (merge): gives what is None. It must give one gradient, a tensor of shape ("),
        (Twice, "the weighting 'own' (combine): goes twice over the losses of an update, which computes "),
    ],
)
def test_no_gradient_or_losses_computed_twice_are_refused(experiment, tmp_path, weighting, message):  # noqa: F811
    with pytest.raises(TrainingError) as found:
        trained(experiment(), tmp_path / "run", weighting, ROUNDS)
    assert str(found.value).startswith(message)


def test_a_weighting_that_differentiates_by_itself_is_right(experiment, tmp_path):  # noqa: F811
    assert trained(experiment(), tmp_path / "run", ByItself, ROUNDS)
