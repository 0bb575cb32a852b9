"""What the comparisons with a hand-written loop share: our losses, and the loop around a Hugging Face model."""

import json

import torch
from transformers import get_linear_schedule_with_warmup

from mtsmart.config import load_experiment
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer


def trained(experiment, folder, task, updates):
    """Train the experiment through the real Trainer.

    Returns:
        each update's batch (its row numbers and the seed of what it draws), the head's first weights by the Hugging
        Face class's names, and the losses that were logged.
    """
    folder.mkdir()
    setup = prepare(load_experiment(experiment)).without_validation()
    trainer = Trainer(setup, RunFolder(folder))
    epochs = range(setup.config.training.epochs)
    plan = [batch for epoch in epochs for batch in trainer.sampler.plan(epoch)][:updates]
    head = {key.removeprefix("model."): value.clone() for key, value in setup.model.head(task).state_dict().items()}
    trainer.train()
    lines = [json.loads(line) for line in trainer.folder.metrics_file.read_text().splitlines()]
    return plan, head, [line["tasks"][task]["loss"] for line in lines if line["type"] == "train"]


def bare_losses(model, head, loss_of, plan, rate):
    """The losses of a plain loop: AdamW, no decay on vectors, a tenth of warm-up, clipping at 1.

    Args:
        model: a Hugging Face task model; it gets the weights of ``head``.
        loss_of: a batch's row numbers and seed -> the model's loss.
        plan: each update's batch, as :func:`trained` returns them.
        rate: peak learning rate.
    """
    assert not model.load_state_dict(head, strict=False).unexpected_keys
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, len(plan) // 10, len(plan))
    losses = []
    model.train()
    for batch in plan:
        loss = loss_of(batch.rows, batch.seed)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
