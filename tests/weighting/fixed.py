"""Losses that are functions of one point, as an update gives them, and the run that a weighting works in."""

import torch
from torch import nn

from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from mtsmart.weighting import BatchLoss, WeightingContext


class Fixed:
    """Losses of a model with the parameters x and y, as an update gives them."""

    def __init__(self, functions, again=False):
        self.point = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.functions = functions
        self.again = again

    def __len__(self):
        return len(self.functions)

    def __iter__(self):
        for task, function in self.functions.items():
            yield BatchLoss(task, function(self.point))

    def backward(self, loss):
        loss.backward()

    def parameters(self):
        return [self.point]

    def averaged(self, gradients):
        return gradients


def context(tasks=("a", "b"), updates_per_epoch=1):
    """A run whose tasks are given by name, or by name and definition."""
    types = (
        {name: build_task(name, TaskDefinition(**of)) for name, of in tasks.items()} if isinstance(tasks, dict) else {}
    )
    return WeightingContext(list(tasks), 10, updates_per_epoch, types)


def labelled(*labels, task_type="classification", **further):
    """The definition of a task with these labels."""
    return {"task_type": task_type, "dataset": {"path": "x"}, "text": ["text"], "labels": list(labels), **further}


def numbers():
    """The definition of a regression."""
    return {"task_type": "regression", "dataset": {"path": "x"}, "text": ["text"], "label": "score"}
