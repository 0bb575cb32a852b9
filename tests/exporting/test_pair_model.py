"""Heads that compare two texts as a folder with a class of its own, read by transformers alone."""

import json

import pytest
import torch

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.exporting.modeling_pair import PairModel
from mtsmart.exporting.pair_model import export_pair, is_pair
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.output_unit import OutputUnit
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.models.architectures import save
from tests.models.test_export import alone

ROWS = {
    "a": ["the red cat sleeps in the house", "dog"],
    "b": ["a cat eats", "the dog is not very big and eats"],
    "row": [0, 1],
}
# Read by a process that knows nothing of mtsmart, with the lines that the card names.
READER = """
import json, sys
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
for folder, first, second in json.loads(given):
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True).eval()
    with torch.no_grad():
        logits = model(**tokenizer(first, second, padding=True, return_tensors="pt")).logits
    predict = pipeline("text-classification", folder, trust_remote_code=True, truncation=True, top_k=None)
    said = predict([{"text": a, "text_pair": b} for a, b in zip(first, second)])
    assert "mtsmart" not in sys.modules
    print(json.dumps({"logits": logits.tolist(), "said": said, "names": model.config.id2label}))
"""
ARCHITECTURES = ["BERT", "XLNet", "DistilBERT", "RoBERTa"]


def built(folder, architecture, spec):
    save(architecture, folder / "encoder")
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(folder / "encoder")))
    torch.manual_seed(0)
    return MultiTaskModel(encoder, {"x": spec}).eval(), tokenizer


def rows_for(tokenizer):
    """The rows, and two whose texts hold the tokenizer's special tokens, first in one text and then in the other."""
    odd = " ".join(f"the {token} cat" for token in tokenizer.all_special_tokens)
    return {"a": [*ROWS["a"], odd, "a dog"], "b": [*ROWS["b"], "the car", odd], "row": [0, 1, 2, 3]}


@torch.no_grad()
def ours(model, tokenizer, rows=ROWS):
    """Our logits (N, C) of the rows, encoded as training does it."""
    files = {"files": {"train": "t.tsv"}}
    task = build_task("x", TaskDefinition(task_type="regression", text=["a", "b"], dataset=files, head="pair"))
    encoded = task.encode(rows, tokenizer, 32, with_labels=False)
    features = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    inputs = task.collate(features, tokenizer, 0).inputs
    return model("x", model.embed(inputs["input_ids"]), inputs)


def read(jobs, cache):
    """What transformers computes in a process of its own, whose working directory is ``cache``."""
    given = json.dumps([[str(folder), rows["a"], rows["b"]] for folder, rows in jobs])
    said = alone(cache, f"given = {given!r}\n{READER}")
    return [json.loads(line) for line in said.splitlines()[-len(jobs) :]]


@pytest.fixture(scope="module")
def read_alone(tmp_path_factory):
    """Architecture -> our logits, and what one process that reads all exported folders says."""
    logits, jobs = [], []
    for architecture in ARCHITECTURES:
        place = tmp_path_factory.mktemp(architecture)
        spec = HeadSpec("sequence_classification", 3, "pair", labels=["a", "b", "c"], layers=1)
        model, tokenizer = built(place, architecture, spec)
        assert is_pair(model, "x")
        exported = export_pair(model, "x", tokenizer, place / architecture, max_length=32)
        assert (exported.auto_class, exported.code) == ("AutoModelForSequenceClassification", "modeling_pair.py")
        rows = rows_for(tokenizer)
        logits.append(ours(model, tokenizer, rows))
        jobs.append((place / architecture, rows))
    found = read(jobs, tmp_path_factory.mktemp("cache"))
    return dict(zip(ARCHITECTURES, zip(logits, found, strict=True), strict=True))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_transformers_computes_our_logits_with_the_file_in_the_folder(read_alone, architecture):
    logits, found = read_alone[architecture]
    torch.testing.assert_close(torch.tensor(found["logits"]), logits, atol=1e-5, rtol=1e-5)
    assert found["names"] == {"0": "a", "1": "b", "2": "c"}
    shares = {answer["label"]: answer["score"] for answer in found["said"][1]}
    torch.testing.assert_close(torch.tensor([shares[name] for name in "abc"]), logits[1].softmax(0), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "architecture", ["RoBERTa", "DistilBERT", "ALBERT", "DeBERTa-v2", "MPNet", "ELECTRA", "ModernBERT"]
)
def test_other_encoders_are_exported_too(tmp_path, architecture):
    model, tokenizer = built(tmp_path, architecture, HeadSpec("sequence_classification", 2, "pair"))
    export_pair(model, "x", tokenizer, tmp_path / "out")  # it reads the folder again, and compares the logits
    assert (tmp_path / "out" / "modeling_pair.py").is_file()


@pytest.mark.parametrize(("architecture", "note"), [("DistilBERT", ""), ("RoBERTa", "the first `</s></s>` counts")])
def test_a_card_can_say_where_the_texts_cannot_be_told_apart(tmp_path, architecture, note):
    model, tokenizer = built(tmp_path, architecture, HeadSpec("sequence_classification", 2, "pair"))
    exported = export_pair(model, "x", tokenizer, tmp_path / "out")
    assert note in exported.note and bool(note) == bool(exported.note)


def test_numbers_have_the_unit_of_the_labels(tmp_path):
    model, tokenizer = built(tmp_path, "BERT", HeadSpec("sequence_classification", 1, "pair"))
    unit = OutputUnit(100.0, 20.0)
    export_pair(model, "x", tokenizer, tmp_path / "out", problem_type="regression", unit=unit)
    again = PairModel.from_pretrained(tmp_path / "out").eval()
    inputs = tokenizer(ROWS["a"], ROWS["b"], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = again(**inputs).logits
    torch.testing.assert_close(logits, unit.to_labels(ours(model, tokenizer)).float(), atol=1e-3, rtol=1e-5)
    assert again.config.id2label == {0: "x"}


def test_an_encoder_that_is_a_part_of_another_model_is_refused(tmp_path):
    model, tokenizer = built(tmp_path, "T5", HeadSpec("sequence_classification", 2, "pair"))
    with pytest.raises(CheckpointError, match="the whole of T5Model, of which T5EncoderModel is a part"):
        export_pair(model, "x", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_the_users_word_transformers_loads_no_other_class(tmp_path):
    """The folder's settings are of no architecture that transformers knows, so nothing else can answer in its place."""
    from transformers import AutoModelForSequenceClassification

    model, tokenizer = built(tmp_path, "BERT", HeadSpec("sequence_classification", 2, "pair"))
    export_pair(model, "x", tokenizer, tmp_path / "out")
    with pytest.raises(ValueError, match="trust_remote_code"):
        AutoModelForSequenceClassification.from_pretrained(tmp_path / "out", trust_remote_code=False)


def test_a_model_that_computes_something_else_is_refused(tmp_path, monkeypatch):
    model, tokenizer = built(tmp_path, "BERT", HeadSpec("sequence_classification", 2, "pair"))
    monkeypatch.setattr("mtsmart.exporting.modeling_pair._mean", lambda hidden, chosen: hidden[:, 0])
    with pytest.raises(CheckpointError, match="PairModel computes other logits"):
        export_pair(model, "x", tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
