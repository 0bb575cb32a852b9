"""What each process computes of a batch, where it is prepared by workers."""

import pickle
from types import SimpleNamespace

import torch

from mtsmart.data.batch import Batch
from mtsmart.preparation.batch_parts import in_parts
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.task_types.examples import multi_label


def whole(features, seed):
    rows = torch.tensor([row["row"] for row in features])
    inputs = {"input_ids": rows[:, None], "attention_mask": torch.ones(len(rows), 1, dtype=torch.int64)}
    return Batch("t", inputs, {"labels": torch.zeros(len(rows), 3)}, rows.tolist())


def test_workers_that_are_not_forked_get_a_copy():
    """As on macOS: the callable itself is sent, and gives the same part there."""
    task = build_task("t", TaskDefinition(**multi_label.DEFINITION))
    collate = in_parts(whole, task, SimpleNamespace(rank=1, count=2))
    sent = pickle.loads(pickle.dumps(collate))
    features = [{"row": row} for row in range(5)]
    assert sent(features, 0).rows == collate(features, 0).rows == [2, 3, 4]
