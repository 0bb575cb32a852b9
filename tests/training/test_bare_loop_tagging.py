"""One tagging task, regularisers off, same batches: the losses of a loop around the Hugging Face class."""

import json

import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from mtsmart.models.loading import resolve_path
from tests.training.bare_loop import bare_losses, trained

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
        f"tasks: {{people: {{learning_rate_factor: 1}}}}\ntask_files: [tasks.yaml]\n"
        f"encoder: {{path: '{minilm}', dropout: 0.0}}\n"
        f"smart: off\nmbpp: off\noptimizer: {{learning_rate: {rate}}}\ndata: {{max_length: 64}}\n"
        f"training: {{max_updates: {updates}, batch_size: 4, log_every: 1, epochs: 5}}\n"
    )
    plan, head, ours = trained(experiment, tmp_path / "run", "people", updates)
    theirs = _bare_losses(minilm, plan, head, rate)
    assert len(ours) == len(theirs) == updates
    assert ours == pytest.approx(theirs, abs=1e-5, rel=0)
    assert ours[-1] < ours[0] / 2


def _bare_losses(encoder, plan, head, rate):
    path = resolve_path(encoder)
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForTokenClassification.from_pretrained(
        path, num_labels=len(LABELS), dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    made = rows()

    def loss_of(indices, _):
        chosen = [made[index] for index in indices]
        batch = tokenizer([row["words"] for row in chosen], is_split_into_words=True, padding=True, return_tensors="pt")
        labels = torch.full_like(batch["input_ids"], -100)
        for number, row in enumerate(chosen):
            words = batch.word_ids(number)
            for position, word in enumerate(words):
                if word is not None and word != words[position - 1]:
                    labels[number, position] = LABELS.index(row["tags"][word])
        return model(**batch, labels=labels).loss

    return bare_losses(model, head, loss_of, plan, rate)
