"""Every task type on every architecture, as tests of regularisers use them.

The task types are those with a file in tests/task_types/examples, the architectures those of
tests/models/architectures.py. The head is the architecture's own; where it has none of the kind, the plain one.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

import datasets
import pytest
import torch

from mtsmart.config.sections import DataConfig, EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.preparer import Preparer
from mtsmart.regularizers import clean_pass
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.models.architectures import ARCHITECTURES
from tests.regularizers.at_work import at_work, preset

FOLDER = Path(__file__).parents[1] / "task_types" / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
# Heads of our own beside the native ones, by example.
FORMS = {
    "classification-san": {"head": {"type": "san"}},
    "classification-pair": {"head": {"type": "pair"}},
    "regression-plain": {"head": {"type": "plain", "layers": 1, "pooling": "attention"}},
    "masked_lm-plain": {"head": {"type": "plain"}},
}
# Some rows of these have several windows, and some have one.
IN_WINDOWS = {
    "classification-windows": {"max_length": 12, "options": {"windows": {"overlap": 2, "pooling": "attention"}}},
    "ordinal-windows": {"max_length": 8, "options": {"windows": {"overlap": 1, "pooling": "max"}}},
    "regression-windows": {"max_length": 12, "options": {"windows": {"overlap": 2, "pooling": "mean"}}},
}
CHANGES = {**FORMS, **IN_WINDOWS}
WITHOUT_MASK = {
    ("T5", "masked_lm"),
    ("T5", "masked_lm-plain"),
}  # its tokenizer has no mask token; see the test of the error below
NAMES = [*EXAMPLES, *CHANGES]
PAIRS = [(a, e) for a in ARCHITECTURES for e in NAMES if (a, e) not in WITHOUT_MASK]
# For each kind of head one example, which these architectures have in each run of the suite: relative positions, no
# padding, one embedding for all, padding on the left. The other examples differ from them in how a loss reads logits;
# BERT has all of them. The rest are slow tests.
OF_A_HEAD = (*FORMS, "classification", "multiple_choice", "tagging", "span", "masked_lm")
QUICK_ARCHITECTURES = ("BERT", "DeBERTa-v2", "ModernBERT", "MPNet", "XLNet")


def is_quick(pair):
    return pair[0] == "BERT" or (pair[0] in QUICK_ARCHITECTURES and pair[1] in OF_A_HEAD)


def _cases(is_quick):
    cases = [pytest.param(pair, marks=[] if is_quick(pair) else pytest.mark.slow) for pair in PAIRS]
    return pytest.mark.parametrize("pair", cases, ids="-".join, indirect=True)


every_pair = _cases(is_quick)
# For what takes long and depends on the task type more than on the architecture.
every_type_on_bert = _cases(lambda pair: pair[0] == "BERT")


def example(name):
    return importlib.import_module(f"tests.task_types.examples.{name.partition('-')[0]}")


class Bench:
    """The encoder at a path; a task, and a model with the encoder and the task's head, for each example."""

    def __init__(self, path):
        self.encoder, self.tokenizer = load_encoder(EncoderConfig(path=str(path), dropout=0.1))
        self.preparer = Preparer(self.tokenizer, DataConfig(max_length=24), self.encoder.max_positions)
        self._first = copied_state(self.encoder)

    @cache  # noqa: B019 (lives as long as the session)
    def made(self, name):
        """A task, its model, and the model's first weights."""
        self.encoder.load_state_dict(self._first)
        definition = TaskDefinition(**{**example(name).DEFINITION, **CHANGES.get(name, {})})
        try:
            task = build_task(name, definition)
            model = self.model_for([task])
        except CheckpointError:
            plain = definition.head.model_copy(update={"type": "plain"})
            task = build_task(name, definition.model_copy(update={"head": plain}))
            model = self.model_for([task])
        return task, model, copied_state(model)

    def model_for(self, tasks):
        """The encoder with new heads."""
        torch.manual_seed(1)
        return MultiTaskModel(self.encoder, {task.name: task.head_spec for task in tasks})

    @cache  # noqa: B019
    def split(self, name, with_labels=True):
        rows = example(name).ROWS
        source = datasets.Dataset.from_list(rows).add_column("row", list(range(len(rows))))
        return self.preparer.rows(self.made(name)[0], source, with_labels)

    def batch(self, name, with_labels=True):
        return self.made(name)[0].collate(self.split(name, with_labels).rows.to_list(), self.tokenizer, 0)


def copied_state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


class Case:
    """One task of a bench and its clean passes."""

    def __init__(self, bench, name):
        self.bench = bench
        self.name = name
        self.task, self.model, state = bench.made(name)
        self.model.load_state_dict(state)
        self.model.zero_grad()
        self.batch = bench.batch(name)
        torch.manual_seed(2)

    def clean(self):
        return clean_pass(self.model, self.task, self.batch)

    def forward(self, batch, inputs_embeds):
        return self.task.adapt(self.model(self.task.head_name, inputs_embeds, batch.inputs), batch)

    def smart(self, **changes):
        return at_work("smart", self.model, {self.task.name: self.task}, preset("smart", **changes))

    def mbpp(self):
        return at_work("mbpp", self.model, {self.task.name: self.task}, preset("mbpp", "paper"))

    def tasks(self):
        return {self.task.name: self.task}


def objective(step, batches):
    """Figures and gradient (P,) of the mean of the batches' objectives."""
    step.model.zero_grad(set_to_none=True)
    totals = {}
    for batch in batches:
        loss, figures = step(batch, lambda task: 1 / len(batches))
        (loss / len(batches)).backward()
        for name, figure in {"objective": loss.detach(), **figures}.items():
            totals[name] = totals.get(name, 0.0) + float(figure) / len(batches)
    return totals, torch.cat([p.grad.flatten() for p in step.model.parameters() if p.grad is not None])
