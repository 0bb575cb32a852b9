"""HyPe's noise: what each layer gets, the same in all passes of a batch, and none outside training passes."""

from contextlib import ExitStack

import pytest
import torch

from mtsmart.training.step import TrainStep
from tests.models.architectures import ARCHITECTURES
from tests.regularizers import every_type
from tests.regularizers.at_work import at_work, preset
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures)


def hype(case, **changes):
    settings = preset("hype", "paper", **{"noise": 0.1, **changes})
    return at_work("hype", case.model, case.tasks(), settings)


def inputs_of_layers(model, run):
    """What each layer gets in a pass, in the order of the calls."""
    seen = []
    with ExitStack() as hooks:
        for layer in model.encoder.layer_modules:
            hook = layer.register_forward_pre_hook(
                lambda layer, given, named: seen.append((given[0] if given else named["hidden_states"]).detach()),
                with_kwargs=True,
            )
            hooks.callback(hook.remove)
        run()
    return seen


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_every_layer_gets_noise_that_all_passes_of_a_batch_share(benches, architecture):
    case = every_type.Case(benches(architecture), "classification")
    case.model.train()
    clean = case.clean()

    def run():
        with clean.masks.replayed():
            clean.forward(clean.inputs_embeds)

    plain = inputs_of_layers(case.model, run)
    with hype(case).around(case.task, case.batch):
        before = case.clean()
        again = inputs_of_layers(case.model, run)
        with before.masks.replayed():
            assert torch.equal(before.forward(before.inputs_embeds), before.logits)
    assert len(plain) == len(again) == case.model.encoder.config.num_hidden_layers
    assert 0.05 < float((again[0] - plain[0]).std()) < 0.2
    assert torch.equal(inputs_of_layers(case.model, run)[-1], plain[-1])  # it is gone afterwards


@pytest.fixture
def bert(benches):
    return every_type.Case(benches("BERT"), "classification")


def test_noise_of_zero_and_evaluation_change_nothing(bert):
    """A teacher, an evaluation and a pass without dropout see no noise."""
    bert.model.train()
    plain = inputs_of_layers(bert.model, bert.clean)
    torch.manual_seed(2)
    with hype(bert, noise=0.0).around(bert.task, bert.batch):
        same = inputs_of_layers(bert.model, bert.clean)
    assert torch.equal(same[-1], plain[-1])
    bert.model.eval()
    logits = bert.clean().logits
    with hype(bert).around(bert.task, bert.batch):
        assert torch.equal(bert.clean().logits, logits)


def test_smart_with_shared_masks_sees_the_noise_of_the_clean_pass(bert):
    """Without a perturbation, R is exactly 0."""
    bert.model.train()
    smart = bert.smart(noise=0.0, steps=0)
    step = TrainStep(bert.model, bert.tasks(), {"hype": hype(bert), "smart": smart})
    assert float(step(bert.batch)[1]["R"]) == 0.0
    torch.manual_seed(2)
    with_noise, _ = step(bert.batch)
    torch.manual_seed(2)
    without, _ = TrainStep(bert.model, bert.tasks(), {})(bert.batch)
    assert float(with_noise.detach()) != float(without.detach())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.compile=true", "hype: does not go with a compiled encoder. Leave training.compile out"),
        ("encoder.gradient_checkpointing=true", "hype: does not go with layers that the backward pass runs again"),
    ],
)
@pytest.mark.parametrize("place", ["", "tasks.near."])
def test_runs_that_would_lose_the_noise_are_refused(workspace, cli, setting, message, place):
    refused = cli("train", workspace.experiment, "smart=off", "mbpp=off", f"{place}hype=paper", setting)
    assert refused.code == 2
    assert f": {place}{message}" in refused.err
