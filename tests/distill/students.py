"""What the tests of teachers share: the settings of a student, its batches, and what a teacher says of them."""

import torch
from safetensors.torch import load_file

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import cache_dir
from mtsmart.data.loader import load_batches
from mtsmart.data.sampler import BatchIndex
from tests.conftest import BOTH_TERMS

DISTILL = "distill: {teachers: [teacher], weight: 0.5, temperature: 2.0}\n"
BOTH = ["smart=tuned", "mbpp.preset=tuned", "tasks.color.mbpp.weight=1", "tasks.near.mbpp=off"]


def of_student(text):
    """The experiment with distillation in the place of both terms."""
    return text.replace(BOTH_TERMS, DISTILL)


def batch_of(setup, task, rows):
    (batch,) = load_batches([BatchIndex(task, tuple(rows))], setup.train, setup.collate)
    return batch


def adapted(run, setup, task, rows):
    """The run's logits for the setup's rows, computed here and now."""
    batch, kind = batch_of(setup, task, rows), setup.tasks[task].type
    with torch.no_grad():
        model = run.model.cpu()
        return kind.adapt(model(kind.head_name, model.embed(batch.inputs["input_ids"]), batch.inputs), batch)


def files():
    return sorted((cache_dir(DataConfig()) / "teachers").glob("*.arrow"))


def same_model(a, b):
    pairs = [(file, b / file.relative_to(a)) for file in sorted((a / "model").rglob("*.safetensors"))]
    assert pairs
    for one, other in pairs:
        first, second = load_file(one), load_file(other)
        if first.keys() != second.keys() or not all(torch.equal(first[key], second[key]) for key in first):
            return False
    return True
