"""One tagging task, regularisers off, same batches: the losses of a loop around the Hugging Face class."""

import json

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer, get_linear_schedule_with_warmup

from mtsmart.models.encoder import resolve_path

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
NAMES = ["Anneliese", "Bartholomew Quigley", "Chidi", "Wu Xiaoling", "Ingeborg"]
PLACES = ["Ljubljana", "Rio de Janeiro", "Oulu", "Ouagadougou", "Christchurch"]
FRAMES = [
    "{} moved to {} last year .",
    "In {1} , nobody has ever met {0} .",
    "{} 's unforgettable photographs of {} are on show",
    "Why did {} leave ? {} is wonderful !",
]


def rows():
    """Each name in each place in each sentence, tagged."""
    made = []
    for number, (name, place) in enumerate((name, place) for name in NAMES for place in PLACES):
        frame = FRAMES[number % len(FRAMES)].replace("{}", "{0}", 1).replace("{}", "{1}")
        words, tags = [], []
        for part in frame.split():
            text, kind = {"{0}": (name, "PER"), "{1}": (place, "LOC")}.get(part, (part, ""))
            own = text.split()
            words += own
            tags += [f"{'I' if index else 'B'}-{kind}" if kind else "O" for index in range(len(own))]
        made.append({"words": words, "tags": tags})
    return made


@pytest.mark.slow
def test_losses_equal_a_bare_loop_for_30_updates(minilm, tmp_path):
    """The bare loop shares nothing with the package but the order of rows and the head's first weights."""
    updates, rate = 30, 5e-5
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    (tmp_path / "tasks.yaml").write_text(
        f"people:\n  task_type: tagging\n  dataset: {{files: {{train: {tmp_path}/train.jsonl}}}}\n"
        f"  text: [words]\n  label: tags\n  labels: {LABELS}\n"
    )
    experiment = tmp_path / "e.yaml"
    experiment.write_text(
        f"tasks: [people]\ntask_files: [tasks.yaml]\nencoder: {{path: '{minilm}', dropout: 0.0}}\n"
        f"smart: off\nmbpp: off\noptimizer: {{learning_rate: {rate}}}\ndata: {{max_length: 64}}\n"
        f"training: {{max_updates: {updates}, batch_size: 4, log_every: 1, epochs: 5}}\n"
    )
    trainer, epochs = _trainer(experiment, tmp_path / "run")
    plan = [batch for epoch in range(epochs) for batch in trainer.sampler.plan(epoch)][:updates]
    head = {k.removeprefix("model."): v.clone() for k, v in trainer.setup.model.head("people").state_dict().items()}
    trainer.train()
    lines = [json.loads(line) for line in trainer.folder.metrics_file.read_text().splitlines()]
    ours = [line["tasks"]["people"]["loss"] for line in lines if line["type"] == "train"]

    theirs = _bare_loop(minilm, plan, head, rate, updates)
    assert len(ours) == len(theirs) == updates
    assert ours == pytest.approx(theirs, abs=1e-5, rel=0)
    assert ours[-1] < ours[0] / 2


def _trainer(experiment, folder):
    from mtsmart.config import load_experiment
    from mtsmart.run_folder import RunFolder
    from mtsmart.training.setup import prepare
    from mtsmart.training.trainer import Trainer

    folder.mkdir()
    setup = prepare(load_experiment(experiment, []))
    return Trainer(setup, RunFolder(folder)), setup.config.training.epochs


def _bare_loop(encoder, plan, head, rate, updates):
    path = resolve_path(encoder)
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForTokenClassification.from_pretrained(
        path, num_labels=len(LABELS), dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
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
    made = rows()
    for _, indices, _ in plan:
        chosen = [made[index] for index in indices]
        batch = tokenizer([row["words"] for row in chosen], is_split_into_words=True, padding=True, return_tensors="pt")
        labels = torch.full_like(batch["input_ids"], -100)
        for number, row in enumerate(chosen):
            words = batch.word_ids(number)
            for position, word in enumerate(words):
                if word is not None and word != words[position - 1]:
                    labels[number, position] = LABELS.index(row["tags"][word])
        loss = model(**batch, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
