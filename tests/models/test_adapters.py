"""An adapter from another package is one registered class: it trains, resumes, is saved, loaded and exported."""

import json
import os
import signal
from typing import Annotated

import pytest
import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModel

import mtsmart
from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.models.files import read_model
from mtsmart.models.hugging_face import export_head
from mtsmart.models.loading import load_encoder
from mtsmart.models.transforms import TRANSFORMS, Adapter
from mtsmart.models.weights import trained
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import MANIFEST
from mtsmart.training.callbacks import Callback
from tests.conftest import SHORT

SETTINGS = ["training.keep_checkpoints=99", "training.epochs=1"]


class LowRankLinear(nn.Module):
    """W x + U D x, where only U and D are trained (Hu et al. 2022, "LoRA", equation 3)."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) * 0.1)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + x @ self.down.T @ self.up.T


@TRANSFORMS.register("lora")
class Lora(Adapter[int]):
    """Low-rank deltas on all linear layers; everything else in the encoder is frozen."""

    settings_type = Annotated[int, Field(ge=1, description="rank of the deltas; null: off")]
    merges = True

    def apply(self, encoder):
        encoder.model.requires_grad_(False)
        for name, module in list(encoder.layers.named_modules()):
            if isinstance(module, nn.Linear):
                encoder.layers.set_submodule(name, LowRankLinear(module, self.settings))

    def remove(self, encoder):
        for name, module in list(encoder.layers.named_modules()):
            if isinstance(module, LowRankLinear):
                with torch.no_grad():
                    module.linear.weight += module.up @ module.down
                encoder.layers.set_submodule(name, module.linear)


@TRANSFORMS.register("bottleneck")
class Bottleneck(Adapter[bool]):
    """A layer that cannot be merged into the others."""

    settings_type = Annotated[bool, Field(description="whether to add it")]
    merges = False

    def apply(self, encoder):
        encoder.model.pooler.activation = nn.Sequential(nn.Linear(16, 16), nn.Tanh())

    def remove(self, encoder):
        encoder.model.pooler.activation = nn.Tanh()


class StopAt(Callback):
    def __init__(self, update):
        self.update = update

    def on_update(self, event):
        if event.update == self.update:
            os.kill(os.getpid(), signal.SIGINT)


def train(workspace, name, *settings, stop=None, resume=False):
    settings = [*SETTINGS, *settings]
    folder = workspace.folder / name
    mtsmart.train(workspace.experiment, settings, output_dir=folder, resume=resume, callback=StopAt(stop))
    return RunFolder(folder)


def outputs(encoder):
    ids = torch.arange(5, 17).view(2, 6)
    with torch.no_grad():
        return encoder(encoder.embed(ids), {"attention_mask": torch.ones_like(ids)}).last_hidden_state


@pytest.fixture
def run(trained_run):
    return RunFolder(trained_run(*SETTINGS, "encoder.lora=2"))


def test_it_trains_only_the_deltas_and_the_heads_and_resumes_to_the_bit(workspace, run):
    with pytest.raises(KeyboardInterrupt):
        train(workspace, "stopped", "encoder.lora=2", stop=5)
    stopped = train(workspace, "stopped", "encoder.lora=2", resume=True)
    assert run.metrics_file.read_bytes() == stopped.metrics_file.read_bytes()
    points = [list_checkpoints(each.checkpoints)[-1] for each in (run, stopped)]
    for file in ("model.safetensors", "optimizer.safetensors", "mbpp.safetensors"):
        one, other = (load_file(point / file) for point in points)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), file
        assert all("_head" in key or ".up" in key or ".down" in key for key in one), file
    moved = load_file(points[0] / "model.safetensors")
    assert any(float(tensor.abs().max()) > 0 for key, tensor in moved.items() if key.endswith(".up"))


def test_a_saved_run_has_it_again_and_is_a_plain_encoder_too(run):
    model, _ = read_model(run.model)
    stored = load_file(run.model / "encoder" / "adapted.safetensors")
    assert all("linear" in key or ".up" in key or ".down" in key for key in stored), "the plain encoder has the rest"
    found = model.encoder.model.state_dict()
    assert all(torch.equal(stored[key], found[key]) for key in stored)
    assert model.encoder.adapters == {"lora": 2}
    assert all(".up" in name or ".down" in name for name in trained(model.encoder))
    plain = AutoModel.from_pretrained(run.model / "encoder").eval()
    ids = torch.arange(5, 17).view(2, 6)
    with torch.no_grad():
        merged = plain(ids).last_hidden_state
    torch.testing.assert_close(merged, outputs(model.encoder.eval()), atol=1e-5, rtol=1e-5)


def test_a_task_of_it_is_exported_with_its_deltas_merged(run, tmp_path):
    model, tokenizer = read_model(run.model)
    exported = export_head(model, "color", tokenizer, tmp_path / "out")  # compares logits itself
    assert not any("up" in key.split(".") for key in load_file(exported.folder / "model.safetensors"))


def test_training_goes_on_from_it_with_the_same_settings_alone(run):
    folder = str(run.model / "encoder")
    assert load_encoder(EncoderConfig(path=folder, lora=2))[0].adapters == {"lora": 2}
    with pytest.raises(CheckpointError, match=r"encoder\.lora: cannot be changed.*has this adapter already, with 2"):
        load_encoder(EncoderConfig(path=folder, lora=3))
    both, _ = load_encoder(EncoderConfig(path=folder, bottleneck=True))
    assert both.adapters == {"lora": 2, "bottleneck": True}


def test_fine_tuning_goes_on_from_it(workspace, run):
    tuned = mtsmart.finetune(run.path, "color", ["training.epochs=1"], output_dir=workspace.folder / "tuned")
    model, _ = read_model(RunFolder(tuned.path).model)
    assert model.encoder.adapters == {"lora": 2}
    assert tuned.load().predict("color", [{"text": "red"}])


def test_a_wrong_setting_is_named_with_its_line(workspace):
    workspace.write_experiment(workspace.experiment.read_text().replace("encoder: {", "encoder: {lora: 0, "))
    message = r"experiment\.yaml:5: encoder\.lora: should be greater than or equal to 1, got 0"
    with pytest.raises(ConfigError, match=message):
        train(workspace, "run")


def test_one_that_cannot_be_merged_is_saved_and_not_exported(workspace, tmp_path):
    run = train(workspace, "run", "encoder.bottleneck=true", *SHORT)
    model, tokenizer = read_model(run.model)
    assert model.encoder.adapters == {"bottleneck": True}
    AutoModel.from_pretrained(run.model / "encoder")
    with pytest.raises(CheckpointError, match="adapters that no Hugging Face class has: bottleneck"):
        export_head(model, "color", tokenizer, tmp_path / "out")


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"loro": 2}, r"adapters\.json: there is no such adapter, got 'loro'"),
        ({"layers": 1}, r"adapters\.json: there is no such adapter, got 'layers'"),
        ({"lora": 0}, r"adapters\.json: is damaged: Input should be greater than or equal to 1"),
        ({"lora": 1}, r"adapted\.safetensors: cannot be loaded"),
        ([], r"adapters\.json: is damaged"),
    ],
)
def test_damage_is_named(run, stored, message):
    (run.model / MANIFEST).unlink()
    (run.model / "encoder" / "adapters.json").write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match=message):
        read_model(run.model)
