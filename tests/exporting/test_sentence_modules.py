"""Pooled heads as modules of sentence-transformers, read with transformers and a few lines alone."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.exporting.sentence_modules import export_modules, has_modules
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.output_unit import OutputUnit
from tests.models.architectures import save

TEXTS = ["the red cat sleeps in the house", "dog"]
OTHERS = ["a cat eats", "the dog is not very big and eats"]


def built(folder, architecture, spec):
    save(architecture, folder / "encoder")
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(folder / "encoder")))
    torch.manual_seed(0)
    return MultiTaskModel(encoder, {"x": spec}).eval(), tokenizer


def outputs_of(folder):
    """What sentence-transformers computes, by its documented files."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(TEXTS, OTHERS, padding=True, return_tensors="pt")
    hidden = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    modes = json.loads((folder / "1_Pooling" / "config.json").read_text())
    vectors = {  # in the order in which sentence-transformers puts them one after the other
        "pooling_mode_cls_token": hidden[:, 0],
        "pooling_mode_max_tokens": hidden.masked_fill(mask == 0, -1e9).max(1).values,
        "pooling_mode_mean_tokens": (hidden * mask).sum(1) / mask.sum(1),
        "pooling_mode_lasttoken": hidden[:, -1],  # padding is on the left
    }
    value = torch.cat([vector for mode, vector in vectors.items() if modes[mode]], dim=1)
    for module in json.loads((folder / "modules.json").read_text())[2:]:
        settings = json.loads((folder / module["path"] / "config.json").read_text())
        tensors = load_file(folder / module["path"] / "model.safetensors")
        value = value @ tensors["linear.weight"].T + tensors["linear.bias"]
        if settings["activation_function"].endswith("Tanh"):
            value = value.tanh()
    return inputs, value


@pytest.mark.parametrize("architecture", ["BERT", "DistilBERT", "RoBERTa"])
@pytest.mark.parametrize(("pooling", "layers"), [("mean", None), ("cls", 1), ("max", 2), ("cls_mean", 1)])
@torch.no_grad()
def test_the_exported_logits_are_ours(tmp_path, architecture, pooling, layers):
    spec = HeadSpec("sequence_classification", 3, "plain", labels=["a", "b", "c"], layers=layers, pooling=pooling)
    model, tokenizer = built(tmp_path, architecture, spec)
    assert has_modules(model, "x")
    exported = export_modules(model, "x", tokenizer, tmp_path / "out", max_length=20)
    inputs, value = outputs_of(tmp_path / "out")
    ours = model("x", model.embed(inputs["input_ids"]), dict(inputs))
    assert torch.allclose(ours, value, atol=1e-5)
    assert exported.auto_class == "SentenceTransformer"
    # A class of transformers would draw a head at random, and with the names its answers would look like ours.
    assert not {"a", "b"} & set(json.loads((tmp_path / "out" / "config.json").read_text()).get("id2label", {}).values())


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["cls", "cls_mean"])
def test_an_architecture_that_summarises_at_the_end(tmp_path, pooling):
    model, tokenizer = built(tmp_path, "XLNet", HeadSpec("sequence_classification", 2, "plain", pooling=pooling))
    assert has_modules(model, "x")
    export_modules(model, "x", tokenizer, tmp_path / "out")
    inputs, value = outputs_of(tmp_path / "out")
    ours = model("x", model.embed(inputs["input_ids"]), dict(inputs))
    assert inputs["attention_mask"][1, 0] == 0 and torch.allclose(ours, value, atol=1e-5)


@torch.no_grad()
def test_numbers_have_the_unit_of_the_labels(tmp_path):
    model, tokenizer = built(tmp_path, "BERT", HeadSpec("sequence_classification", 1, "plain", pooling="mean"))
    unit = OutputUnit(100.0, 20.0)
    export_modules(model, "x", tokenizer, tmp_path / "out", unit=unit)
    inputs, value = outputs_of(tmp_path / "out")
    ours = unit.to_labels(model("x", model.embed(inputs["input_ids"]), dict(inputs)))
    assert torch.allclose(ours.float(), value, atol=1e-3)


@pytest.mark.parametrize(
    "spec",
    [
        HeadSpec("sequence_classification", 2, "plain", pooling="attention"),
        HeadSpec("token_classification", 2, "plain"),
        HeadSpec("sequence_classification", 2),
    ],
)
def test_other_heads_have_no_modules(tmp_path, spec):
    model, _ = built(tmp_path, "BERT", spec)
    assert not has_modules(model, "x")


def test_a_model_that_computes_something_else_is_refused(tmp_path, monkeypatch):
    model, tokenizer = built(tmp_path, "BERT", HeadSpec("sequence_classification", 2, "plain", pooling="mean"))
    monkeypatch.setattr("mtsmart.exporting.sentence_modules.pooled", lambda how, hidden, mask, at_end: hidden[:, 0])
    with pytest.raises(CheckpointError, match="SentenceTransformer computes other logits"):
        export_modules(model, "x", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
