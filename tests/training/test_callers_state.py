"""What a program has set in Python, numpy and torch: it stays as it is, and changes nothing that mtsmart computes."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

import mtsmart
from mtsmart.training.callbacks import Callback


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def weights(run):
    """File of a run's model -> its bytes."""
    folder = Path(run.path, "model")
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*.safetensors"))}


CALLS = {
    "train": lambda run: mtsmart.train("experiment.yaml", ["training.max_updates=2"], output_dir="other"),
    "finetune": lambda run: mtsmart.finetune(run, "color", ["training.max_updates=2"], output_dir="other"),
    "load": mtsmart.load,
    "LoadedRun": mtsmart.LoadedRun,
    "evaluate": lambda run: mtsmart.load(run).evaluate("color"),
    "merge": lambda run: mtsmart.merge([run, run], output_dir="other"),
    "export": lambda run: mtsmart.export(run, "color", "other"),
    "report": lambda run: mtsmart.report(run, "page.html"),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_random_numbers_of_a_program_go_on_as_without_the_call(trained_run, name):
    run = trained_run("training.max_updates=2")
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(5)
    expected = draws(), draws()
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(5)
    first = draws()
    CALLS[name](run)
    assert (first, draws()) == expected


ACTIONS = {
    "draws": draws,
    "seeds": lambda: (random.seed(0), np.random.seed(0), torch.manual_seed(0)),
    "loads a run": lambda: mtsmart.load("run"),
}


@pytest.mark.parametrize("name", list(ACTIONS))
def test_what_a_callback_does_with_random_numbers_changes_nothing(trained_run, name):
    class Disturbing(Callback):
        def receive(self, event):
            ACTIONS[name]()

    run = trained_run("training.max_updates=4")
    settings = ["training.max_updates=4"]
    mtsmart.train("experiment.yaml", settings, output_dir="other", callback=Disturbing())
    assert weights(mtsmart.load("other")) == weights(mtsmart.load(run))
