"""Extractive question answering, regularisers off: the losses of a hand-written loop over the Hugging Face class."""

import json
import random

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, get_linear_schedule_with_warmup

from mtsmart.config import load_experiment
from mtsmart.run_folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from tests.conftest import WORDS, write_jsonl

UPDATES, BATCH_SIZE, RATE, MAX_LENGTH, STRIDE = 30, 4, 1e-3, 20, 5


def rows():
    """Questions by two words that stand before the answer; contexts of one to four windows."""
    rng = random.Random(0)
    made = []
    for _ in range(40):
        words = rng.choices(WORDS, k=rng.randint(6, 40))
        place = rng.randrange(2, len(words) - 3)
        answer, start = " ".join(words[place : place + 3]), len(" ".join(words[:place])) + 1
        question = " ".join(words[place - 2 : place])
        value = {"text": [answer], "answer_start": [start]}
        made.append({"question": question, "context": " ".join(words), "answers": value})
    return made


def test_losses_equal_a_bare_loop_for_30_updates(tiny_encoder, tmp_path):
    """The bare loop shares nothing with the package but the order of windows and the head's first weights."""
    write_jsonl(tmp_path / "train.jsonl", rows())
    (tmp_path / "e.yaml").write_text(
        f"""
tasks:
  find:
    task_type: span
    dataset: {{files: {{train: train.jsonl}}}}
    text: [question, context]
    options: {{stride: {STRIDE}}}
encoder: {{path: {tiny_encoder}, dropout: 0.0}}
smart: off
mbpp: off
data: {{max_length: {MAX_LENGTH}}}
optimizer: {{learning_rate: {RATE}}}
training: {{max_updates: {UPDATES}, batch_size: {BATCH_SIZE}, log_every: 1, epochs: 2}}
"""
    )
    (tmp_path / "run").mkdir()
    setup = prepare(load_experiment(tmp_path / "e.yaml", []))
    trainer = Trainer(setup, RunFolder(tmp_path / "run"))
    plan = [*trainer.sampler.plan(0), *trainer.sampler.plan(1)][:UPDATES]
    head = {key.removeprefix("model."): value.clone() for key, value in setup.model.head("find").state_dict().items()}
    trainer.train()
    lines = [json.loads(line) for line in trainer.folder.metrics_file.read_text().splitlines()]
    ours = [line["tasks"]["find"]["loss"] for line in lines if line["type"] == "train"]

    theirs = bare_loop(tiny_encoder, plan, head)
    assert len(ours) == len(theirs) == UPDATES
    assert ours == pytest.approx(theirs, abs=1e-5, rel=1e-5)
    assert max(ours) - min(ours) > 0.1  # rows differ, so equal losses mean equal rows


def windows(tokenizer):
    """Windows and their targets, written as the Hugging Face examples do it."""
    made = []
    for row in rows():
        tokens = tokenizer(
            row["question"],
            row["context"],
            truncation="only_second",
            max_length=MAX_LENGTH,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        start = row["answers"]["answer_start"][0]
        end = start + len(row["answers"]["text"][0])
        for index, offsets in enumerate(tokens["offset_mapping"]):
            context = [i for i, number in enumerate(tokens.sequence_ids(index)) if number == 1]
            target = (0, 0)
            if offsets[context[0]][0] <= start and offsets[context[-1]][1] >= end:
                first = max(i for i in context if offsets[i][0] <= start)
                last = min(i for i in context if offsets[i][1] >= end)
                target = (first, last)
            names = ("input_ids", "token_type_ids", "attention_mask")
            made.append(({name: tokens[name][index] for name in names}, target))
    return made


def bare_loop(path, plan, head):
    tokenizer = AutoTokenizer.from_pretrained(path)
    data = windows(tokenizer)
    assert len({len(each["input_ids"]) for each, _ in data}) > 3 and len(data) > 60
    assert 10 < sum(target == (0, 0) for _, target in data) < len(data) - 30
    model = AutoModelForQuestionAnswering.from_pretrained(
        path, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    missing = model.load_state_dict(head, strict=False)
    assert not missing.unexpected_keys and "qa_outputs.weight" not in missing.missing_keys
    decay = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=RATE, fused=True
    )
    schedule = get_linear_schedule_with_warmup(optimizer, UPDATES // 10, UPDATES)
    losses = []
    model.train()
    for _, indices, _ in plan:
        batch = tokenizer.pad([data[index][0] for index in indices], return_tensors="pt")
        starts, ends = torch.tensor([data[index][1] for index in indices]).T
        loss = model(**batch, start_positions=starts, end_positions=ends).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
