"""encoder.layer_decay: the first step of each layer has the length that the papers' formula gives."""

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.config.sections import EncoderConfig, OptimizerConfig
from mtsmart.errors import CheckpointError, ConfigError, MtsmartWarning
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.training.optim import build_optimizer, set_learning_rate
from tests.models.architectures import ARCHITECTURES, save
from tests.models.test_freeze import SETTINGS, SHARED, Spy

RATE = 1e-2
SPECS = {"a": HeadSpec("sequence_classification", 2)}


def model_of(folder, **settings):
    return MultiTaskModel(load_encoder(EncoderConfig(path=str(folder), **settings))[0], SPECS)


def first_steps(model, head_factors=None):
    """The length of each parameter's first step, by name: with Adam it is the rate, whatever the gradient is."""
    config = OptimizerConfig(learning_rate=RATE, weight_decay=0, eps=1e-30)
    optimizer = build_optimizer(model, config, head_factors)
    set_learning_rate(optimizer, RATE)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
    optimizer.step()
    return {name: float((p.detach() - before[name]).abs().mean()) for name, p in model.named_parameters()}


def test_the_first_step_of_each_layer_is_the_rate_times_the_decay_to_the_power_of_its_height(tiny_encoder):
    """Clark et al. 2020: rate * d^(L - l) for layer l of L = 2, counted from 0; the embeddings are one lower."""
    places = {
        "encoder.model.embeddings.": 0.5**3,
        "encoder.model.encoder.layer.0.": 0.5**2,
        "encoder.model.encoder.layer.1.": 0.5**1,
        "encoder.model.pooler.": 1.0,
        "heads.a_head.": 20.0,
    }
    steps = first_steps(model_of(tiny_encoder, layer_decay=0.5), {"a": 20.0})
    for name, step in steps.items():
        (factor,) = [factor for place, factor in places.items() if name.startswith(place)]
        assert step == pytest.approx(RATE * factor, rel=1e-3), name


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in SHARED])
def test_on_every_architecture_embeddings_are_lowest_and_what_follows_the_layers_keeps_the_rate(name, tmp_path):
    encoder = load_encoder(EncoderConfig(path=str(save(name, tmp_path)), layer_decay=0.5))[0]
    factors = {each: encoder.rate_factors.get(each, 1.0) for each, _ in encoder.named_parameters()}
    lookup = next(each for each, p in encoder.named_parameters() if p is encoder.word_embeddings)
    assert factors[lookup] == 0.125
    for number, layer in enumerate(encoder.layers):
        own = {id(parameter) for parameter in layer.parameters()}
        found = {factors[each] for each, parameter in encoder.named_parameters() if id(parameter) in own}
        assert found == {0.5 ** (2 - number)}
    assert all(factor == 1.0 for each, factor in factors.items() if "pooler" in each or "final" in each)


def test_one_is_the_same_as_nothing(tiny_encoder):
    assert EncoderConfig(path=str(tiny_encoder), layer_decay=1).parts == {}
    assert EncoderConfig(path=str(tiny_encoder), layer_decay=1.0).parts == {}


def test_it_counts_the_layers_that_are_kept_and_leaves_frozen_ones_frozen(tiny_encoder):
    kept = load_encoder(EncoderConfig(path=str(tiny_encoder), layer_decay=0.5, layers=1))[0]
    assert set(kept.rate_factors.values()) == {0.5, 0.25}
    steps = first_steps(model_of(tiny_encoder, layer_decay=0.5, freeze=1))
    assert {step for name, step in steps.items() if "layer.0" in name or "embeddings" in name} == {0.0}
    assert steps["encoder.model.encoder.layer.1.output.dense.weight"] == pytest.approx(RATE * 0.5, rel=1e-3)


def test_it_is_told_where_it_has_no_effect(tiny_encoder):
    with pytest.warns(MtsmartWarning, match=r"encoder\.layer_decay has no effect"):
        model_of(tiny_encoder, layer_decay=0.5, freeze="all")


def test_layers_that_share_their_weights_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"encoder\.layer_decay: does not go with AlbertModel.*Leave the key out"):
        load_encoder(EncoderConfig(path=str(save("ALBERT", tmp_path)), layer_decay=0.9))


@pytest.mark.parametrize("value", ["0", "1.5", "much"])
def test_a_wrong_value_is_named_with_its_line(workspace, value):
    text = workspace.experiment.read_text().replace("encoder: {", f"encoder: {{layer_decay: {value}, ")
    workspace.write_experiment(text)
    with pytest.raises(ConfigError, match=r"experiment.yaml:5: encoder\.layer_decay: should be"):
        mtsmart.train(workspace.experiment, output_dir=workspace.folder / "run")


def test_a_run_resumes_to_the_bit_and_its_files_name_it(workspace):
    settings = [*SETTINGS, "encoder.layer_decay=0.8"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole")
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=Spy(5))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert (whole.path / "metrics.jsonl").read_bytes() == (stopped / "metrics.jsonl").read_bytes()
    points = [list_checkpoints(run / "checkpoints")[-1] for run in (whole.path, stopped)]
    for file in ("model.safetensors", "optimizer.safetensors"):
        one, other = (load_file(point / file) for point in points)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one), file
    assert "layer_decay: 0.8" in (whole.path / "config.yaml").read_text()
    text = "encoder.layer_decay: each layer learns at 0.8 times the rate of the layer above it"
    assert text in (whole.path / "README.md").read_text()
