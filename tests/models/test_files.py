"""A saved model is the model, the encoder is stored once, and damage is recognised."""

import json

import pytest
import torch
from transformers import AutoModel

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.files import read_model, save_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.storage.durable import MANIFEST

SPECS = {
    "a": HeadSpec("sequence_classification", 3, labels=["x", "y", "z"]),
    "b": HeadSpec("sequence_classification", 1),
}


@pytest.fixture
def saved(tiny_encoder, tmp_path):
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(tiny_encoder)))
    model = MultiTaskModel(encoder, SPECS)
    save_model(tmp_path / "model", model, tokenizer)
    return model, tmp_path / "model"


def test_round_trip_is_exact(saved):
    model, folder = saved
    loaded, tokenizer = read_model(folder)
    assert loaded.specs == SPECS
    state, again = model.state_dict(), loaded.state_dict()
    assert state.keys() == again.keys()
    assert all(torch.equal(state[key], again[key]) for key in state)
    assert tokenizer("the cat")["input_ids"][0] == tokenizer.cls_token_id


def test_the_encoder_is_stored_once_and_loads_without_mtsmart(saved):
    model, folder = saved
    assert [p.name for p in folder.rglob("*.safetensors") if p.stat().st_size > 5000] == ["model.safetensors"]
    plain = AutoModel.from_pretrained(folder / "encoder")
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.encoder.parameters(), strict=True))
    assert not [p for p in folder.rglob("*") if p.suffix in (".bin", ".pt", ".pkl")]


def test_only_the_heads_to_keep_get_weights(saved):
    model, folder = saved
    wanted = {"a": SPECS["a"], "b": HeadSpec("sequence_classification", 2, labels=["n", "y"])}
    loaded, _ = read_model(folder, heads=wanted, keep=["a"])
    weight = "model.classifier.weight"
    assert torch.equal(loaded.head("a").state_dict()[weight], model.head("a").state_dict()[weight])
    assert loaded.head("b").state_dict()[weight].shape == (2, 16)
    fresh, _ = read_model(folder, heads={"a": SPECS["a"]}, keep=())
    assert not torch.equal(fresh.head("a").state_dict()[weight], model.head("a").state_dict()[weight])


def test_saving_again_replaces_the_model(saved, tiny_encoder):
    model, folder = saved
    _, tokenizer = load_encoder(EncoderConfig(path=str(tiny_encoder)))
    with torch.no_grad():
        next(model.parameters()).add_(1)
    save_model(folder, model, tokenizer)
    loaded, _ = read_model(folder)
    assert torch.equal(next(loaded.parameters()), next(model.parameters()))
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "heads.json").unlink(), "holds no trained model"),
        (lambda f: (f / "heads.json").write_text("{"), "is damaged"),
        (lambda f: (f / "heads.json").write_text(json.dumps({"a": {"king": 1}})), "is damaged"),
        (lambda f: (f / "heads" / "a.safetensors").write_bytes(b"x" * 20), "a.safetensors: cannot be loaded"),
        (lambda f: (f / "heads" / "b.safetensors").unlink(), "b.safetensors: cannot be loaded"),
        (lambda f: (f / "encoder" / "model.safetensors").write_bytes(b"x" * 20), "cannot be loaded"),
        (lambda f: (f / "encoder" / "config.json").unlink(), "cannot be loaded"),
    ],
)
def test_damage_is_named(saved, damage, message):
    """By the manifest; and where the user has deleted that, to use files of their own, by what cannot be read."""
    damage(saved[1])
    with pytest.raises(CheckpointError, match=r"is damaged|is missing|holds no trained model"):
        read_model(saved[1])
    (saved[1] / MANIFEST).unlink()
    with pytest.raises(CheckpointError, match=message):
        read_model(saved[1])
