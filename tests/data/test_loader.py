"""Processes that prepare batches: what is said when one of them ends, and when."""

import multiprocessing
import os
import signal
import time

import datasets
import numpy as np
import pytest
import torch

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import load_batches, lost_workers_as_errors
from mtsmart.data.sampler import BatchIndex
from mtsmart.errors import TrainingError

ROWS = 400


def collate(rows, seed):
    return Batch("t", {"input_ids": torch.tensor([row["input_ids"] for row in rows])})


@pytest.fixture
def splits():
    rows = datasets.Dataset.from_dict({"input_ids": [[row] * 500 for row in range(ROWS)]})
    return {"t": EncodedSplit(rows, np.full(ROWS, 500, dtype=np.int32))}


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="this system does not tell of ended processes")
@pytest.mark.parametrize("delay", [0, 0.003])
def test_after_the_error_for_a_lost_process_comes_no_other(splits, delay):
    """Its connection may close before the system reports its end, and torch raises wherever it hears of that."""
    plan = [BatchIndex("t", tuple(range(ROWS))) for _ in range(200)]
    message = "data.workers: a process that prepares batches ended"
    with pytest.raises(TrainingError, match=message), lost_workers_as_errors():
        for number, _ in enumerate(load_batches(plan, splits, {"t": collate}, workers=2)):
            if number == 3:
                time.sleep(delay)
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:  # torch's signal handler would raise here.
        time.sleep(0.01)
