"""Extractive question answering, regularisers off: the losses of a hand-written loop over the Hugging Face class."""

import random

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from tests.conftest import WORDS, write_jsonl
from tests.training.bare_loop import bare_losses, trained

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
    learning_rate_factor: 1
    options: {{stride: {STRIDE}}}
encoder: {{path: {tiny_encoder}, dropout: 0.0}}
smart: off
mbpp: off
data: {{max_length: {MAX_LENGTH}}}
optimizer: {{learning_rate: {RATE}}}
training: {{max_updates: {UPDATES}, batch_size: {BATCH_SIZE}, log_every: 1, epochs: 2}}
"""
    )
    plan, head, ours = trained(tmp_path / "e.yaml", tmp_path / "run", "find", UPDATES)
    theirs = _bare_losses(tiny_encoder, plan, head)
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


def _bare_losses(path, plan, head):
    tokenizer = AutoTokenizer.from_pretrained(path)
    data = windows(tokenizer)
    assert len({len(each["input_ids"]) for each, _ in data}) > 3 and len(data) > 60
    assert 10 < sum(target == (0, 0) for _, target in data) < len(data) - 30
    model = AutoModelForQuestionAnswering.from_pretrained(
        path, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    assert "qa_outputs.weight" in head

    def loss_of(indices, _):
        batch = tokenizer.pad([data[index][0] for index in indices], return_tensors="pt")
        starts, ends = torch.tensor([data[index][1] for index in indices]).T
        return model(**batch, start_positions=starts, end_positions=ends).loss

    return bare_losses(model, head, loss_of, plan, RATE)
