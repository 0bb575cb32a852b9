"""Masked LM, regularisers off: the losses of a hand-written loop over the Hugging Face class."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from tests.conftest import sentences, write_jsonl
from tests.models.architectures import save
from tests.training.bare_loop import bare_losses, trained

UPDATES, BATCH_SIZE, RATE, SHARE = 30, 4, 1e-3, 0.3


def test_losses_equal_a_bare_loop_for_30_updates(tmp_path):
    """The bare loop shares nothing with the package but the batches' rows and seeds and the head's first weights."""
    texts, encoder = sentences(60), save("BERT", tmp_path / "encoder")
    write_jsonl(tmp_path / "train.jsonl", [{"text": text} for text in texts])
    (tmp_path / "e.yaml").write_text(
        f"""
tasks:
  fill:
    task_type: masked_lm
    dataset: {{files: {{train: train.jsonl}}}}
    text: [text]
    options: {{mask_probability: {SHARE}}}
encoder: {{path: {encoder}, dropout: 0.0}}
smart: off
mbpp: off
optimizer: {{learning_rate: {RATE}}}
training: {{max_updates: {UPDATES}, batch_size: {BATCH_SIZE}, log_every: 1, epochs: 2}}
"""
    )
    plan, head, ours = trained(tmp_path / "e.yaml", tmp_path / "run", "fill", UPDATES)
    theirs = _bare_losses(encoder, texts, plan, head)
    assert len(ours) == len(theirs) == UPDATES
    assert ours == pytest.approx(theirs, abs=1e-5, rel=0)
    assert max(ours) - min(ours) > 0.1  # batches differ, so equal losses mean equal masks


def _bare_losses(path, texts, plan, head):
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForMaskedLM.from_pretrained(
        path, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    assert model.config.tie_word_embeddings

    def loss_of(rows, seed):
        batch = tokenizer([texts[row] for row in rows], padding=True, return_tensors="pt")
        labels = torch.full_like(batch["input_ids"], -100)
        for ids, gold, row in zip(batch["input_ids"], labels, rows, strict=True):
            _mask(ids, gold, tokenizer, np.random.default_rng([seed, row, 0]))
        return model(**batch, labels=labels).loss

    return bare_losses(model, head, loss_of, plan, RATE)


def _mask(ids, labels, tokenizer, generator):
    """BERT's masking of one text: a share is to be predicted, of which 80 % are hidden and 10 % replaced."""
    words = [place for place, token in enumerate(ids.tolist()) if token not in tokenizer.all_special_ids]
    drawn = generator.random(len(words))
    chosen = [place for place, number in zip(words, drawn, strict=True) if number < SHARE or number == drawn.min()]
    labels[chosen] = ids[chosen]
    for place, fate in zip(chosen, generator.random(len(chosen)), strict=True):
        if fate < 0.8:
            ids[place] = tokenizer.mask_token_id
        elif fate < 0.9:
            ids[place] = int(generator.integers(tokenizer.vocab_size))
