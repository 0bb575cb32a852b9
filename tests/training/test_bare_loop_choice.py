"""multiple_choice and multi_label, regularisers off: the losses of a loop over the Hugging Face classes."""

import random

import pytest
import torch
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from tests.conftest import sentences, write_jsonl
from tests.training.bare_loop import bare_losses, trained

UPDATES, RATE, NAMES = 30, 1e-3, ["cat", "dog", "red"]
OFF = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TASKS = {
    "choose": "{task_type: multiple_choice, text: [text], options: {choices: [a, b, c]}, learning_rate_factor: 1",
    "mark": "{task_type: multi_label, text: [text], labels: [cat, dog, red], learning_rate_factor: 1",
}


def rows_of(name):
    rng = random.Random(0)
    if name == "mark":
        return [{"text": text, "label": [n for n in NAMES if n in text.split()]} for text in sentences(120)]
    columns = [sentences(120, seed=seed) for seed in range(4)]
    return [{"text": t, "a": a, "b": b, "c": c, "label": rng.randrange(3)} for t, a, b, c in zip(*columns, strict=True)]


@pytest.mark.parametrize("name", list(TASKS))
def test_losses_equal_hugging_faces_for_30_updates(name, tiny_encoder, tmp_path):
    rows = rows_of(name)
    write_jsonl(tmp_path / "train.jsonl", rows)
    experiment = tmp_path / "e.yaml"
    experiment.write_text(
        f"tasks:\n  {name}: {TASKS[name]}, dataset: {{files: {{train: {tmp_path}/train.jsonl}}}}}}\n"
        f"encoder: {{path: '{tiny_encoder}', dropout: 0.0}}\nsmart: off\nmbpp: off\n"
        f"optimizer: {{learning_rate: {RATE}}}\ndata: {{max_length: 64}}\n"
        f"training: {{max_updates: {UPDATES}, batch_size: 4, log_every: 1, epochs: 1}}\n"
    )
    plan, head, ours = trained(experiment, tmp_path / "run", name, UPDATES)
    theirs = _bare_losses(name, tiny_encoder, rows, plan, head)
    assert len(ours) == UPDATES
    assert ours == pytest.approx(theirs, abs=1e-5, rel=1e-5)
    assert abs(theirs[0] - theirs[-1]) > 1e-3, "the weights have moved"


def _bare_losses(name, path, rows, plan, head):
    tokenizer = AutoTokenizer.from_pretrained(path)
    if name == "choose":
        model = AutoModelForMultipleChoice.from_pretrained(path, **OFF)
    else:
        kind = {"num_labels": 3, "problem_type": "multi_label_classification"}
        model = AutoModelForSequenceClassification.from_pretrained(path, **kind, **OFF)

    def loss_of(indices, _):
        return model(**_batch(name, tokenizer, [rows[index] for index in indices])).loss

    return bare_losses(model, head, loss_of, plan, RATE)


def _batch(name, tokenizer, rows):
    options = {"padding": True, "truncation": True, "max_length": 64, "return_tensors": "pt"}
    if name == "mark":
        gold = torch.tensor([[float(n in row["label"]) for n in NAMES] for row in rows])
        return {**tokenizer([row["text"] for row in rows], **options), "labels": gold}
    pairs = [(row["text"], row[column]) for row in rows for column in "abc"]
    tokens = tokenizer(*map(list, zip(*pairs, strict=True)), **options)
    gold = torch.tensor([row["label"] for row in rows])
    return {**{key: value.view(len(rows), 3, -1) for key, value in tokens.items()}, "labels": gold}
