"""encoder.freeze: frozen parts keep their weights, and take no room in the optimizer, resume points and the teacher."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import mtsmart
from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import (
    digest_of_frozen,
    frozen,
    resume_from,
    state_of,
    teacher_of,
    tensors_for_resuming,
    trained,
)
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.training.callbacks import Callback
from tests.conftest import quick_are
from tests.models.architectures import ARCHITECTURES, save

LAYERS = {
    "DistilBERT": "transformer.layer.",
    "ModernBERT": "layers.",
    "XLNet": "layer.",
    "T5": "encoder.block.",
}
SHARED = ["ALBERT"]  # architectures whose layers share their weights
SPECS = {"a": HeadSpec("sequence_classification", 2), "b": HeadSpec("masked_lm", 0, type="plain")}


def encoder_of(folder, **settings):
    return load_encoder(EncoderConfig(path=str(folder), **settings))[0]


def frozen_names(encoder):
    return set(frozen(encoder.model))


@pytest.fixture
def model(tiny_encoder):
    return MultiTaskModel(encoder_of(tiny_encoder, freeze=1), SPECS)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_embeddings_alone_are_frozen(name, tmp_path):
    encoder = encoder_of(save(name, tmp_path), freeze="embeddings")
    names = frozen_names(encoder)
    assert not encoder.word_embeddings.requires_grad
    assert all("embed" in each or "shared" in each for each in names), names
    assert len(names) < len(list(encoder.model.parameters()))


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in SHARED])
def test_a_number_freezes_the_embeddings_and_the_first_layers(name, tmp_path):
    encoder = encoder_of(save(name, tmp_path), freeze=1)
    place = LAYERS.get(name, "encoder.layer.")
    parameters = dict(encoder.model.named_parameters())
    assert not encoder.word_embeddings.requires_grad
    first = {each for each in parameters if each.startswith(f"{place}0.")}
    last = {each for each in parameters if each.startswith(f"{place}1.")}
    assert first and last
    assert first <= frozen_names(encoder)
    assert not last & frozen_names(encoder)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_all_freezes_the_whole_encoder_and_no_head(name, tmp_path):
    model = MultiTaskModel(encoder_of(save(name, tmp_path), freeze="all"), {"a": HeadSpec("token_classification", 2)})
    assert not trained(model.encoder)
    assert trained(model).keys() == {f"heads.a_head.{name}" for name, _ in model.head("a").named_parameters()}


def test_layers_are_kept_before_they_are_counted(tiny_encoder):
    """Of the two layers one is kept, and that one is frozen."""
    encoder = encoder_of(tiny_encoder, layers=1, freeze=1)
    assert set(trained(encoder.model)) == {"pooler.dense.weight", "pooler.dense.bias"}


def test_what_the_checkpoint_lacks_stays_trained(tiny_encoder, tmp_path):
    """A pooler that was drawn at random would otherwise stay random."""
    folder = shutil.copytree(tiny_encoder, tmp_path / "without")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    encoder = encoder_of(folder, freeze="all")
    assert set(trained(encoder.model)) == {"pooler.dense.weight", "pooler.dense.bias"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("3", r"experiment.yaml:5: encoder\.freeze: the encoder has only 2 layers, got 3"),
        ("0", r"encoder\.freeze: should be a number of layers \(1 or more\)"),
        ("embedings", r"encoder\.freeze.*Did you mean 'embeddings'"),
    ],
)
def test_a_wrong_value_is_named(workspace, value, message):
    text = workspace.experiment.read_text().replace("encoder: {", f"encoder: {{freeze: {value}, ")
    workspace.write_experiment(text)
    with pytest.raises((CheckpointError, ConfigError), match=message):
        mtsmart.train(workspace.experiment, output_dir=workspace.folder / "run")


def test_layers_that_share_their_weights_cannot_be_counted(tmp_path):
    with pytest.raises(CheckpointError, match=r"encoder\.freeze: .* share their weights.*Use 'embeddings' or 'all'"):
        encoder_of(save("ALBERT", tmp_path), freeze=1)


def test_the_teacher_shares_what_is_frozen_and_copies_the_rest(model):
    teacher = teacher_of(model)
    mine, its = dict(model.named_parameters()), dict(teacher.named_parameters())
    assert mine.keys() == its.keys()
    for name, parameter in mine.items():
        assert torch.equal(parameter, its[name])
        assert (parameter is its[name]) == (name in frozen(model)), name
    assert not any(parameter.requires_grad for parameter in its.values())
    assert trained(model)


def point_of(model):
    """What a resume point holds of a model."""
    return tensors_for_resuming(model), digest_of_frozen(model)


def test_a_resume_point_leaves_frozen_parts_out_and_comes_back(model, tiny_encoder, tmp_path):
    stored = point_of(model)
    assert not stored[0].keys() & frozen(model).keys()
    assert trained(model).keys() <= stored[0].keys()
    again = MultiTaskModel(encoder_of(tiny_encoder, freeze=1), SPECS)
    resume_from(again, *stored)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_resume_point_that_holds_everything_is_as_good(model, tiny_encoder, tmp_path):
    stored = state_of(model), None
    again = MultiTaskModel(encoder_of(tiny_encoder, freeze=1), SPECS)
    resume_from(again, *stored)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_parts_may_be_trained_from_a_resume_point_on(model, tiny_encoder, tmp_path):
    """What the point leaves out is the encoder's, frozen or not."""
    stored = point_of(model)
    whole = MultiTaskModel(encoder_of(tiny_encoder), SPECS)
    resume_from(whole, *stored)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), whole.parameters(), strict=True))


def test_another_encoder_is_refused(model, tiny_encoder, tmp_path):
    stored = point_of(model)
    other = MultiTaskModel(encoder_of(tiny_encoder, freeze=1), SPECS)
    with torch.no_grad():
        other.encoder.word_embeddings[0, 0] += 1
    with pytest.raises(ValueError, match="leaves out the frozen parts of the encoder"):
        resume_from(other, *stored)


class Spy(Callback):
    """Stops after an update, as Ctrl-C does."""

    def __init__(self, update):
        self.update = update

    def on_update(self, event):
        import os
        import signal

        if event.update == self.update:
            os.kill(os.getpid(), signal.SIGINT)


SETTINGS = ["training.epochs=1", "training.keep_checkpoints=99", "training.log_every=3"]


@pytest.mark.parametrize("freeze", quick_are(["embeddings", "1", "all"], "1"))
def test_a_run_trains_only_the_rest_and_resumes_to_the_bit(workspace, tiny_encoder, freeze):
    """With both terms on: SMART perturbs frozen word embeddings too, and the teacher moves."""
    settings = [*SETTINGS, f"encoder.freeze={freeze}"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole")
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=Spy(5))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert (whole.path / "metrics.jsonl").read_bytes() == (stopped / "metrics.jsonl").read_bytes()
    points = [list_checkpoints(run / "checkpoints")[-1] for run in (whole.path, stopped)]
    before = encoder_of(tiny_encoder, freeze=int(freeze) if freeze.isdigit() else freeze)
    names = {f"encoder.model.{name}" for name in frozen_names(before)}
    for file in ("model.safetensors", "optimizer.safetensors", "mbpp.safetensors"):
        one, other = load_file(points[0] / file), load_file(points[1] / file)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), file
        assert not [key for key in one if any(key.startswith(name) for name in names)]
    after = encoder_of(whole.path / "model" / "encoder")
    moved = {name for name, p in after.model.named_parameters() if not torch.equal(p, before.model.get_parameter(name))}
    assert not moved & frozen_names(before)
    assert bool(moved) == (freeze != "all")
    lines = [json.loads(line) for line in (whole.path / "metrics.jsonl").read_text().splitlines()]
    terms = [task["R"] for line in lines if line["type"] == "train" for task in line["tasks"].values() if "R" in task]
    assert terms and all(term > 0 for term in terms)


def test_an_interrupted_run_is_not_resumed_on_another_encoder(workspace, tiny_encoder):
    folder = shutil.copytree(tiny_encoder, workspace.folder / "encoder")
    settings = [*SETTINGS, f"encoder.path={folder}", "encoder.freeze=embeddings"]
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run", callback=Spy(3))
    tensors = load_file(folder / "model.safetensors")
    tensors["embeddings.word_embeddings.weight"] += 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"cannot be resumed from: it leaves out the frozen parts"):
        mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run", resume=True)
