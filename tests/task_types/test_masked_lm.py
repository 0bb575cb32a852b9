"""Masked LM: which tokens are masked, the loss, scores, predictions, tied weights through training and resuming."""

import json
import math

import datasets
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

import mtsmart
from mtsmart.config.sections import DataConfig
from mtsmart.errors import ConfigError, DataError
from mtsmart.metrics import METRICS
from mtsmart.models.encoder import Encoder
from mtsmart.models.files import read_model, save_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.tasks import TaskDefinition
from tests.conftest import WORDS, sentences, write_jsonl
from tests.models.architectures import make, save, tokenizer_of
from tests.training.test_resume import StopAt, assert_same_run

BASE = {"task_type": "masked_lm", "dataset": {"files": {"train": "x.jsonl"}}, "text": ["text"]}
WITH_CLASS = ["BERT", "RoBERTa", "XLM-R", "DistilBERT", "ALBERT", "ELECTRA", "MPNet", "DeBERTa-v2", "ModernBERT"]


def task(**changes):
    return build_task("t", TaskDefinition(**{**BASE, **changes}))


def encoded(texts, architecture="BERT", max_length=16, with_labels=True, chosen=None):
    rows = datasets.Dataset.from_dict({"text": list(texts), "row": list(range(len(texts)))})
    preparer = Preparer(tokenizer_of(architecture), DataConfig(max_length=max_length), None)
    return preparer.rows(chosen or task(), rows, with_labels).rows


@pytest.mark.parametrize("architecture", ["BERT", "RoBERTa", "XLNet"])
def test_masks_are_drawn_from_seed_and_row_alone(architecture):
    """The same row in other company gets the same masks; another seed others."""
    tokenizer, chosen = tokenizer_of(architecture), task()
    tokenizer.padding_side = "left" if architecture == "XLNet" else "right"
    rows = encoded(sentences(12), architecture).to_list()
    for seed in (0, 5):
        together = chosen.collate(rows, tokenizer, seed)
        for index, row in enumerate(rows):
            alone = chosen.collate([row], tokenizer, seed)
            real = together.attention_mask[index] == 1
            assert torch.equal(together.inputs["input_ids"][index][real], alone.inputs["input_ids"][0])
            counted = together.layout["scored"][index] == 1
            assert torch.equal(together.targets["labels"][index][counted], alone.targets["labels"][0])
    labels = [chosen.collate(rows, tokenizer, seed).targets["labels"] for seed in (0, 0, 1)]
    assert torch.equal(labels[0], labels[1])
    assert labels[0].shape != labels[2].shape or not torch.equal(labels[0], labels[2])


@pytest.mark.parametrize("architecture", ["BERT", "RoBERTa", "XLNet"])
def test_gold_tokens_stand_at_the_positions_and_are_never_special(architecture):
    tokenizer, chosen = tokenizer_of(architecture), task()
    tokenizer.padding_side = "left" if architecture == "XLNet" else "right"
    rows = encoded([*sentences(20), "[MASK] dog <mask>", "zebra cat"], architecture).to_list()
    batch = chosen.collate(rows, tokenizer, 3)
    shift = [
        len(ids) - len(row["input_ids"]) if architecture == "XLNet" else 0
        for ids, row in zip(batch.inputs["input_ids"], rows, strict=True)
    ]
    for index, row in enumerate(rows):
        count = int(batch.layout["scored"][index].sum())
        assert count >= 1
        positions = [int(p) - shift[index] for p in batch.inputs["positions"][index][:count]]
        golds = batch.targets["labels"][index]
        assert [row["input_ids"][p] for p in positions] == golds[:count].tolist()
        assert not {*golds[:count].tolist()} & {*tokenizer.all_special_ids}
        assert (golds[count:] == -100).all()
        changed = {
            p for p, token in enumerate(row["input_ids"]) if batch.inputs["input_ids"][index][p + shift[index]] != token
        }
        assert changed <= {*positions}
    assert batch.inputs["positions"].shape == batch.targets["labels"].shape == batch.layout["scored"].shape


def test_shares_of_masked_random_and_unchanged():
    """15 % of the tokens, of which 80 / 10 / 10 (a random token is the old one in 1 of 28 cases)."""
    tokenizer, chosen = tokenizer_of("BERT"), task()
    rows = encoded(
        [" ".join(np.random.default_rng(i).choice(WORDS, 100)) for i in range(100)], max_length=128
    ).to_list()
    batch = chosen.collate(rows, tokenizer, 1)
    real = batch.layout["scored"] == 1
    golds = batch.targets["labels"][real]
    now = batch.inputs["input_ids"].gather(1, batch.inputs["positions"])[real]
    assert len(golds) / 10_000 == pytest.approx(0.15, abs=0.012)
    assert float((now == tokenizer.mask_token_id).float().mean()) == pytest.approx(0.8, abs=0.04)
    assert float((now == golds).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_long_texts_become_parts_and_nothing_is_dropped():
    text = " ".join(WORDS * 3)
    rows = encoded([text, "a dog"], max_length=10).to_list()
    special = {*tokenizer_of("BERT").all_special_ids}
    words = [t for row in rows if row["row"] == 0 for t in row["input_ids"] if t not in special]
    assert words == tokenizer_of("BERT")(text, add_special_tokens=False)["input_ids"]
    assert max(len(row["input_ids"]) for row in rows) == 10
    assert [row["part"] for row in rows if row["row"] == 0] == list(range(len(rows) - 1))


def test_a_row_without_words_counts_nothing():
    chosen, tokenizer = task(), tokenizer_of("BERT")
    rows = encoded(["zebra", "a dog"]).to_list()
    batch = chosen.collate(rows, tokenizer, 0)
    assert batch.layout["scored"].sum(1).tolist()[0] == 0
    both, alone = torch.randn(2, batch.targets["labels"].shape[1], 50), chosen.collate(rows[1:], tokenizer, 0)
    torch.testing.assert_close(chosen.criterion(both, batch), chosen.criterion(both[1:], alone))
    nothing = chosen.collate(rows[:1], tokenizer, 0)
    assert float(chosen.criterion(both[:1, :1], nothing)) == 0


@pytest.mark.parametrize("name", WITH_CLASS)
def test_the_loss_is_the_task_classes_own(name):
    """AutoModelForMaskedLM with labels at the masked tokens and -100 elsewhere."""
    encoder, tokenizer, chosen = Encoder(make(name)), tokenizer_of(name), task()
    model = MultiTaskModel(encoder, {"t": chosen.head_spec}).eval()
    batch = chosen.collate(encoded(sentences(5), name).to_list(), tokenizer, 2)
    whole = AutoModelForMaskedLM.from_config(encoder.config).eval()
    getattr(whole, whole.base_model_prefix).load_state_dict(encoder.model.state_dict(), strict=False)
    whole.load_state_dict(model.head("t").model.state_dict(), strict=False)
    labels = torch.full_like(batch.inputs["input_ids"], -100)
    for index, count in enumerate(batch.layout["scored"].sum(1).tolist()):
        positions = batch.inputs["positions"][index, :count]
        labels[index, positions] = batch.targets["labels"][index, :count]
    taken = {key: value for key, value in batch.inputs.items() if key in ("input_ids", "attention_mask")}
    if "token_type_ids" in encoder._inputs and "token_type_ids" in batch.inputs:
        taken["token_type_ids"] = batch.inputs["token_type_ids"]
    with torch.no_grad():
        expected = whole(**taken, labels=labels).loss
        loss = chosen.criterion(model("t", model.embed(batch.inputs["input_ids"]), batch.inputs), batch)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", ["native", "plain"])
@pytest.mark.parametrize("name", WITH_CLASS)
def test_tied_weights_are_one_parameter_and_stored_once(name, form, tmp_path):
    encoder = Encoder(make(name))
    model = MultiTaskModel(encoder, {"t": HeadSpec("masked_lm", 0, type=form)})
    vocabulary = encoder.word_embeddings.shape
    assert sum(parameter is encoder.word_embeddings for parameter in model.head("t").parameters()) == 1
    save_model(tmp_path / "model", model, tokenizer_of(name))
    stored = load_file(tmp_path / "model" / "heads" / "t.safetensors")
    assert not [key for key, tensor in stored.items() if tensor.shape == vocabulary]
    assert sum(tensor.shape == (vocabulary[0],) for tensor in stored.values()) == 1  # the bias, also once
    loaded, _ = read_model(tmp_path / "model")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))
    assert sum(parameter is loaded.encoder.word_embeddings for parameter in loaded.head("t").parameters()) == 1


def test_scores_against_closed_forms():
    chosen = task()
    rows = encoded(["a dog", "the red cat sees a dog and a house"])
    references = chosen.references(rows)
    batch = chosen.collate(rows.to_list(), tokenizer_of("BERT"), 0)
    counts = batch.layout["scored"].sum(1).tolist()
    assert references == [gold[:n].tolist() for gold, n in zip(batch.targets["labels"], counts, strict=True)]
    logits = torch.zeros(2, batch.targets["labels"].shape[1], 8)
    logits = logits.new_zeros(*logits.shape[:2], 50)
    uniform = chosen.decode(Outputs(chosen.unbatch(logits, batch), rows))
    assert METRICS["perplexity"](uniform, references) == pytest.approx(50, rel=1e-5)
    certain = logits.scatter(-1, batch.targets["labels"].clamp_min(0).unsqueeze(-1), 100.0)
    perfect = chosen.decode(Outputs(chosen.unbatch(certain, batch), rows))
    assert METRICS["token_accuracy"](perfect, references) == 1.0
    assert METRICS["perplexity"](perfect, references) == pytest.approx(1.0)
    hopeless = chosen.decode(Outputs(chosen.unbatch(1e30 * (1 - certain / 100), batch), rows))
    assert 1e300 < METRICS["perplexity"](hopeless, references) < math.inf
    assert (METRICS["token_accuracy"]([[]], [[]]), METRICS["perplexity"]([[]], [[]])) == (0.0, 1.0)
    assert chosen.baseline([[7, 7, 8]], [[7, 8, 9]]) == [
        [(7, pytest.approx(np.log(share))) for share in (2 / 4, 1 / 4, 1 / 4)]
    ]


def test_predictions_fill_the_mask_tokens():
    """The task that describes the outputs has made no batch itself: with data workers, another process makes them."""
    chosen, tokenizer = task(), tokenizer_of("BERT")
    rows = encoded(["the [MASK] sees a [MASK]", "[MASK]"], with_labels=False, chosen=chosen)
    batch = chosen.collate(rows.to_list(), tokenizer, 0)
    assert batch.targets == {}
    assert batch.inputs["positions"].tolist() == [[2, 5], [1, 0]]
    logits = torch.zeros(2, 2, 50)
    for (row, place), word in {(0, 0): "cat", (0, 1): "dog", (1, 0): "house"}.items():
        logits[row, place, tokenizer.convert_tokens_to_ids(word)] = 9.0
    described = task().describe(Outputs(chosen.unbatch(logits, batch), rows), tokenizer)
    assert [row["prediction"] for row in described] == [["cat", "dog"], ["house"]]
    assert len(described[0]["p"]) == 2
    assert described[0]["p"][0] == pytest.approx(np.exp(9) / (np.exp(9) + 49), rel=1e-4)
    assert [len(mask) for mask in described[0]["candidates"]] == [5, 5]


def test_a_text_without_a_mask_token_is_named():
    with pytest.raises(DataError, match=r"row 2: text: has no mask token to fill.*\[MASK\]"):
        encoded(["a [MASK]", "a dog"], with_labels=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ["perplexity"]}, r"t\.metrics: is better where it is lower"),
        ({"metrics": ["perplexity", "token_accuracy"]}, r"t\.metrics: is better where it is lower"),
        ({"labels": ["a", "b"]}, r"t\.labels: does not go with"),
        ({"text": ["a", "b"]}, r"t\.text: must be one column"),
        ({"options": {"mask_probability": 1.5}}, r"t\.options\.mask_probability"),
        ({"options": {"mask_probabilty": 0.5}}, r"mask_probability"),
        ({"metrics": ["accuracy"]}, r"t\.metrics: does not go with"),
    ],
)
def test_definitions_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        task(**changes)


@pytest.fixture
def experiment(workspace):
    """The two tiny tasks and masked LM on unlabelled text, on an encoder whose tokenizer has a mask token."""
    save("BERT", workspace.folder / "encoder")
    for name, texts in (("train", sentences(40, 2)), ("validation", sentences(16, 3))):
        write_jsonl(workspace.folder / f"words_{name}.jsonl", [{"text": text} for text in texts])
    more = """
words:
  task_type: masked_lm
  dataset: {files: {train: words_train.jsonl, validation: words_validation.jsonl}}
  text: [text]
  metrics: [token_accuracy, perplexity]
  learning_rate_factor: 2.0
"""
    workspace.tasks.write_text(workspace.tasks.read_text() + more)
    text = workspace.experiment.read_text().replace("[color, near]", "[color, near, words]")
    lines = [f"encoder: {{path: {workspace.folder / 'encoder'}}}" if "encoder:" in x else x for x in text.splitlines()]
    return workspace.write_experiment("\n".join(lines) + "\n")


def test_training_resumes_bitwise_with_tied_weights(experiment, workspace):
    whole = mtsmart.train(experiment, output_dir=workspace.folder / "whole")
    folder = workspace.folder / "stopped"
    for stop, resume in ((4, False), (9, True)):
        with pytest.raises(KeyboardInterrupt):
            mtsmart.train(experiment, output_dir=folder, resume=resume, callback=StopAt(stop))
        torch.manual_seed(99)
    mtsmart.train(experiment, output_dir=folder, resume=True)
    assert_same_run(whole.path, folder)
    scores = json.loads((folder / "results.json").read_text())["tasks"]["words"]
    assert list(scores) == ["token_accuracy", "perplexity"]


def test_the_command_line_trains_evaluates_and_fills(experiment, workspace, cli):
    assert cli("train", experiment, "smart=off", "mbpp=off", "training.epochs=1", "--output-dir", "run").code == 0
    assert "perplexity" in cli("evaluate", "run").out
    write_jsonl(workspace.folder / "new.jsonl", [{"text": "the [MASK] sees a dog"}, {"text": "a [MASK] [MASK]"}])
    done = cli("predict", "run", "--task", "words", "--input", "new.jsonl", "--output", "out.jsonl")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (workspace.folder / "out.jsonl").read_text().splitlines()]
    assert [len(row["prediction"]) for row in rows] == [1, 2]
    write_jsonl(workspace.folder / "bad.jsonl", [{"text": "the dog"}])
    bad = cli("predict", "run", "--task", "words", "--input", "bad.jsonl", "--output", "out2.jsonl")
    assert bad.code != 0
    assert "has no mask token to fill" in bad.err
    assert "Traceback" not in bad.err
