"""multiple_choice and multi_label, regularisers off: the losses of a loop over the Hugging Face classes."""

import json
import random

import pytest
import torch
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

from tests.conftest import sentences, write_jsonl
from tests.training.test_against_bare_loop import _trainer

UPDATES, RATE, NAMES = 30, 1e-3, ["cat", "dog", "red"]
OFF = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TASKS = {
    "choose": "{task_type: multiple_choice, text: [text], options: {choices: [a, b, c]}",
    "mark": "{task_type: multi_label, text: [text], labels: [cat, dog, red]",
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
        f"optimizer: {{learning_rate: {RATE}}}\n"
        f"training: {{max_updates: {UPDATES}, batch_size: 4, log_every: 1, epochs: 1}}\n"
    )
    setup, trainer = _trainer(experiment, tmp_path / "run")
    plan = [[rows[index] for index in indices] for _, indices, _ in trainer.sampler.plan(0)[:UPDATES]]
    head = {key.removeprefix("model."): value.clone() for key, value in setup.model.head(name).state_dict().items()}
    trainer.train()
    lines = [json.loads(line) for line in trainer.folder.metrics_file.read_text().splitlines()]
    ours = [line["tasks"][name]["loss"] for line in lines if line["type"] == "train"]
    theirs = _bare_loop(name, tiny_encoder, plan, head)
    assert len(ours) == UPDATES
    assert ours == pytest.approx(theirs, abs=1e-5, rel=1e-5)
    assert abs(theirs[0] - theirs[-1]) > 1e-3, "the weights have moved"


def _bare_loop(name, path, plan, head):
    tokenizer = AutoTokenizer.from_pretrained(path)
    if name == "choose":
        model = AutoModelForMultipleChoice.from_pretrained(path, **OFF)
    else:
        kind = {"num_labels": 3, "problem_type": "multi_label_classification"}
        model = AutoModelForSequenceClassification.from_pretrained(path, **kind, **OFF)
    model.load_state_dict(head, strict=False)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, UPDATES // 10, UPDATES)
    losses = []
    model.train()
    for chosen in plan:
        loss = model(**_batch(name, tokenizer, chosen)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def _batch(name, tokenizer, rows):
    options = {"padding": True, "truncation": True, "max_length": 64, "return_tensors": "pt"}
    if name == "mark":
        gold = torch.tensor([[float(n in row["label"]) for n in NAMES] for row in rows])
        return {**tokenizer([row["text"] for row in rows], **options), "labels": gold}
    pairs = [(row["text"], row[column]) for row in rows for column in "abc"]
    tokens = tokenizer(*map(list, zip(*pairs, strict=True)), **options)
    gold = torch.tensor([row["label"] for row in rows])
    return {**{key: value.view(len(rows), 3, -1) for key, value in tokens.items()}, "labels": gold}
