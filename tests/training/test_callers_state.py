"""What a program has set in Python, numpy and torch: it stays as it is, and changes nothing that mtsmart computes."""

import random
import threading
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


def refused():
    """What a training is told that begins while another one runs, and what it has written."""
    rows = [{"text": "red", "label": "red"}] * 4
    task = {"task_type": "classification", "dataset": {"rows": rows}, "text": ["text"], "labels": ["other", "red"]}
    with pytest.raises(mtsmart.MtsmartError) as error:
        mtsmart.train({"tasks": {"new": task}, "encoder": {"path": "gone"}}, output_dir="second")
    return str(error.value), Path("second").exists()


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_second_training_in_one_process_is_refused(workspace, in_thread):
    told = []

    class Nesting(Callback):
        def on_start(self, event):
            if in_thread:
                thread = threading.Thread(target=lambda: told.append(refused()))
                thread.start()
                thread.join()
            else:
                told.append(refused())

    settings = ["training.max_updates=1"]
    mtsmart.train(workspace.experiment, settings, output_dir="first", callback=Nesting())
    message = (
        "a training runs already in this process, and two would disturb each other. "
        "Wait for its end, or train in other processes, for example with: mtsmart sweep"
    )
    assert told == [(message, False)]
    mtsmart.train(workspace.experiment, settings, output_dir="second")


MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
}


@pytest.mark.parametrize("name", list(MODES))
def test_training_has_gradients_where_the_program_has_none(trained_run, name):
    run = trained_run("training.max_updates=2")
    with MODES[name]():
        tuned = mtsmart.finetune(run, "color", ["training.max_updates=2"], output_dir="inside")
        trained = mtsmart.train("experiment.yaml", ["training.max_updates=2"], output_dir="other")
        assert not torch.is_grad_enabled() and torch.is_inference_mode_enabled() is (name == "inference_mode")
    assert weights(trained) == weights(mtsmart.load(run))
    assert weights(tuned) == weights(mtsmart.finetune(run, "color", ["training.max_updates=2"], output_dir="outside"))


@pytest.mark.parametrize("name", ["train", "finetune"])
def test_autocast_of_a_program_does_not_reach_training(trained_run, name):
    run = trained_run("training.max_updates=2")
    with torch.autocast("cpu", torch.bfloat16):
        inside = CALLS[name](run)
        assert torch.is_autocast_enabled("cpu")
    inside.path.rename("inside")
    assert weights(mtsmart.load("inside")) == weights(CALLS[name](run))


def test_autocast_of_a_program_does_not_reach_predictions(trained_run):
    run = mtsmart.load(trained_run("training.max_updates=2"))
    rows = [{"text": "a red house"}, {"text": "the blue cat"}]
    expected = run.predict("color", rows), run.evaluate("color").to_json()
    with torch.autocast("cpu", torch.bfloat16):
        assert (run.predict("color", rows), run.evaluate("color").to_json()) == expected


def test_a_run_is_found_after_the_program_has_changed_its_folder(workspace, monkeypatch):
    run = mtsmart.train(workspace.experiment, ["training.max_updates=1"], output_dir="here")
    merged = mtsmart.merge(["here", "here"], output_dir="mixed")
    assert [run.path, merged.path] == [workspace.folder / "here", workspace.folder / "mixed"]
    assert repr(run).startswith("Run('here', score=")
    (workspace.folder / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run.load().predict("color", "a red house")
    assert merged.load().path == merged.path
