"""Stop anywhere and resume: bitwise what an uninterrupted run computes (CPU)."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.errors import CheckpointError
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.lock import LOCK
from mtsmart.training.callbacks import Callback

# Accumulation, annealed mixing, dropout, both regularisers with settings of single tasks, log lines and evaluations
# that no checkpoint aligns with.
SETTINGS = [
    "mixing.strategy=annealed",
    "training.accumulation=2",
    "training.epochs=3",
    "training.log_every=5",
    "training.evaluate_every=4",
    "training.keep_checkpoints=99",
    "tasks.color.smart.direction=fisher",
    "tasks.near.smart.every=2",
    "mbpp.every=3",
    "tasks.near.mbpp={weight: 0.3, every: 2}",
]


class StopAt(Callback):
    """Presses Ctrl-C after an update."""

    def __init__(self, update: int) -> None:
        self.update = update

    def on_update(self, event):
        import os
        import signal

        if event.update == self.update:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def whole(trained_run):
    """The folder of an uninterrupted run."""
    return trained_run(*SETTINGS, name="whole")


def same_tensors(a, b):
    first, second = load_file(a), load_file(b)
    assert first.keys() == second.keys()
    return all(torch.equal(first[key], second[key]) for key in first)


def assert_same_run(a, b, terms=("mbpp", "smart")):
    assert (a / "metrics.jsonl").read_bytes() == (b / "metrics.jsonl").read_bytes()
    assert (a / "results.json").read_bytes() == (b / "results.json").read_bytes()
    last = list_checkpoints(a / "checkpoints")[-1].name
    names = sorted(path.name for path in (a / "checkpoints" / last).iterdir())
    files = [f"{name}.safetensors" for name in ("model", "optimizer", "random", *terms)]
    assert names == sorted([*files, "manifest.json", "state.json"])
    for name in names:
        one, other = (run / "checkpoints" / last / name for run in (a, b))
        equal = same_tensors(one, other) if name.endswith(".safetensors") else one.read_bytes() == other.read_bytes()
        assert equal, name
    for file in (a / "model").rglob("*.safetensors"):
        assert same_tensors(file, b / file.relative_to(a))


@pytest.mark.parametrize("stops", [[13], [1, 2, 3, 5, 6, 8, 11, 12, 14, 17]], ids=["one stop", "many"])
def test_resume_is_bitwise_exact(workspace, whole, stops):
    """The run has 18 updates in 3 epochs, so the stops fall at epoch ends, in the middle, and around evaluations."""
    folder = workspace.folder / "stopped"
    for stop in stops:
        resume = stop != stops[0]
        with pytest.raises(KeyboardInterrupt):
            mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, resume=resume, callback=StopAt(stop))
        assert json.loads((list_checkpoints(folder / "checkpoints")[-1] / "state.json").read_text())["update"] == stop
        torch.manual_seed(999)  # whatever the resuming process has drawn before must not matter
    mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, resume=True)
    assert_same_run(whole, folder)


def test_rounds_resume_in_the_middle_of_an_epoch(workspace):
    settings = [*SETTINGS, "mixing.strategy=rounds", "mbpp.horizon=0.2", "mbpp.keep=better"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=folder, callback=StopAt(4))
    mtsmart.train(workspace.experiment, settings, output_dir=folder, resume=True)
    assert_same_run(whole, folder)


def test_resume_from_an_older_checkpoint(workspace, whole, trained_run):
    """As after a crash: lines written since the resume point are not doubled."""
    folder = workspace.folder / "older"
    settings = [*SETTINGS, "training.checkpoint_every=3"]
    reference = trained_run(*settings, name="reference")
    shutil.copytree(reference, folder)
    for path in list_checkpoints(folder / "checkpoints")[2:]:
        shutil.rmtree(path)
    mtsmart.train(workspace.experiment, settings, output_dir=folder, resume=True)
    assert_same_run(reference, folder)
    assert (whole / "metrics.jsonl").read_bytes() == (folder / "metrics.jsonl").read_bytes()


def test_resuming_a_finished_run_changes_nothing(workspace, whole):
    before = (whole / "metrics.jsonl").read_bytes()
    results = RunFolder(whole).results()
    again = mtsmart.train(workspace.experiment, SETTINGS, output_dir=whole, resume=True)
    assert again.results == results.to_json()
    assert (whole / "metrics.jsonl").read_bytes() == before


def test_another_configuration_is_refused_with_the_difference(workspace, whole):
    with pytest.raises(CheckpointError, match=r"optimizer\.learning_rate: 0\.001 -> 0\.002"):
        mtsmart.train(workspace.experiment, [*SETTINGS, "optimizer.learning_rate=2e-3"], output_dir=whole, resume=True)


@pytest.mark.parametrize("labels", ["[red, other]", "[other, red, blue]"])
def test_a_trained_head_never_gets_other_labels(workspace, whole, labels):
    allowed = ["tasks.color", "rows", "training"]
    settings = [*SETTINGS, "training.epochs=4", "tasks.color.metrics=[accuracy]", f"tasks.color.labels={labels}"]
    before = (whole / "config.yaml").read_bytes()
    with pytest.raises(
        CheckpointError, match=r"tasks\.color\.labels: cannot be resumed with other .*\['other', 'red'\]"
    ):
        mtsmart.train(workspace.experiment, settings, output_dir=whole, resume=True, allow_changes=allowed)
    assert (whole / "config.yaml").read_bytes() == before


def test_the_same_seed_gives_the_same_run_and_another_does_not(workspace, whole):
    first = {}
    for seed in (42, 7):
        folder = workspace.folder / f"seed-{seed}"
        settings = [*SETTINGS, f"training.seed={seed}"]
        with pytest.raises(KeyboardInterrupt):
            mtsmart.train(workspace.experiment, settings, output_dir=folder, callback=StopAt(5))
        first[seed] = (folder / "metrics.jsonl").read_text().splitlines()[:2]
    lines = (whole / "metrics.jsonl").read_text().splitlines()[:2]  # an evaluation and the losses of five updates
    assert first[42] == lines
    assert all(one != other for one, other in zip(first[7], lines, strict=True))


def test_checkpoints_hold_no_pickle(whole):
    files = {path.suffix for path in whole.rglob("*") if path.is_file()}
    assert files == {".safetensors", ".json", ".jsonl", ".yaml", ".md", ".lock"}
    assert [path.name for path in whole.rglob("*.lock")] == [LOCK]
