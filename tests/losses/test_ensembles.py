"""The mean of several predictions averages what the divergence of the same name compares."""

import pytest
import torch

from mtsmart.losses import DIVERGENCES, ENSEMBLES

TEACHERS = [torch.tensor([[1.2, -0.7, 0.1]]), torch.tensor([[-2.0, 0.4, 3.0]])]


def test_every_divergence_has_an_ensemble():
    assert set(ENSEMBLES) == set(DIVERGENCES)


@pytest.mark.parametrize("name", list(DIVERGENCES))
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_mean_of_equal_predictions_is_that_prediction(name, temperature):
    found = ENSEMBLES[name]([TEACHERS[0]] * 3, temperature)
    assert float(DIVERGENCES[name](found, TEACHERS[0])) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", list(DIVERGENCES))
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_probabilities_are_averaged_at_the_temperature(name, temperature):
    def compared(logits):
        if name == "mse":
            return logits
        scaled = logits.double() / temperature
        return torch.sigmoid(scaled) if name.startswith("bernoulli_") else torch.softmax(scaled, -1)

    found = compared(ENSEMBLES[name](TEACHERS, temperature))
    torch.testing.assert_close(found, sum(map(compared, TEACHERS)) / 2, atol=1e-6, rtol=1e-5)
