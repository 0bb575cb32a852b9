"""A model with one task of each type and clean passes of it."""

from __future__ import annotations

import copy
from functools import cache
from itertools import cycle, islice

import pytest
import torch

from mtsmart.config.sections import EncoderConfig
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import CleanPass, clean_pass
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.models.architectures import save
from tests.regularizers import every_type

SOURCE = {"files": {"train": "unused.jsonl"}}
DEFINITIONS = {
    "kind": {"task_type": "classification", "dataset": SOURCE, "text": ["a", "b"], "labels": ["x", "y", "z"]},
    "score": {"task_type": "regression", "dataset": SOURCE, "text": ["a"]},
}
TEXTS = {
    "kind": [
        ("The man plays a guitar on the stage.", "A person makes music."),
        ("Two dogs run.", "Animals sleep in the warm house by the sea."),
        ("It rains.", "The sun shines."),
    ],
    "score": [("A rather long sentence about nothing in particular, with a clause.",), ("Short.",)],
}

LABELS = {"kind": ["x", "z", "y"], "score": [0.5, 2.0]}


class Bench:
    """A model and its clean passes."""

    def __init__(self, path: str) -> None:
        torch.manual_seed(0)
        encoder, self.tokenizer = load_encoder(EncoderConfig(path=path))
        self.tasks = {name: build_task(name, TaskDefinition(**d)) for name, d in DEFINITIONS.items()}
        self.model = MultiTaskModel(encoder, {name: task.head_spec for name, task in self.tasks.items()})

    def copy(self) -> Bench:
        """One that a test may change. Copying a model takes a fraction of the time of reading it."""
        copied = copy.copy(self)
        copied.tasks = dict(self.tasks)
        copied.model = copy.deepcopy(self.model)
        torch.manual_seed(0)
        return copied

    def batch(self, name: str, texts=None, columns=("a", "b")):
        values = list(zip(*(texts or TEXTS[name]), strict=True))
        rows = {column: list(texts) for column, texts in zip(columns, values, strict=False)}
        rows["row"] = list(range(len(values[0])))
        rows["label"] = list(islice(cycle(LABELS.get(name) or self.tasks[name].labels), len(values[0])))
        encoded = self.tasks[name].encode(rows, self.tokenizer, 32, with_labels=True)
        features = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
        return self.tasks[name].collate(features, self.tokenizer, seed=0)

    def clean(self, name: str, batch=None) -> CleanPass:
        return clean_pass(self.model, self.tasks[name], batch or self.batch(name))


@pytest.fixture(scope="session")
def _bench(minilm) -> Bench:
    return Bench(minilm)


@pytest.fixture(scope="session")
def _tiny_bench(tiny_encoder) -> Bench:
    return Bench(str(tiny_encoder))


@pytest.fixture
def bench(_bench) -> Bench:
    return _bench.copy()


@pytest.fixture
def tiny_bench(_tiny_bench) -> Bench:
    return _tiny_bench.copy()


@pytest.fixture(scope="session")
def benches(tmp_path_factory):
    """An architecture's name -> its encoder with a head for each example."""
    return cache(lambda name: every_type.Bench(save(name, tmp_path_factory.mktemp(name))))


@pytest.fixture
def pair(request, benches):
    """One task type on one architecture."""
    architecture, name = request.param
    return every_type.Case(benches(architecture), name)
