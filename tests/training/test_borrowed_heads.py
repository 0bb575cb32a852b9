"""A task whose head starts from the head of a task of a finished run."""

import json

import pytest
import torch
from safetensors.torch import load_file

from mtsmart.config.loader import load_experiment
from mtsmart.errors import MtsmartError
from mtsmart.models.weights import state_of
from mtsmart.runs.finetune import finetune_experiment
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare

SHORT = ("training.max_updates=2", "smart=off", "mbpp=off")
MINE = """
mine:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
closer:
  task_type: regression
  dataset: {files: {train: near_train.jsonl, validation: near_validation.jsonl}}
  text: [a, b]
  label: score
"""


@pytest.fixture
def run(trained_run, workspace):
    (workspace.folder / "mine.yaml").write_text(MINE)
    return trained_run(*SHORT)


def prepared(workspace, *settings):
    return prepare(
        load_experiment(workspace.experiment, ["task_files=[tiny_tasks.yaml, mine.yaml]", *SHORT, *settings])
    )


def head(setup, name):
    return state_of(setup.model.head(name), [])


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_its_weights_are_those_of_the_run_and_nothing_else_changes(workspace, run):
    plain = prepared(workspace, "tasks=[color, mine, closer]")
    settings = ["tasks.mine.init={run: run, task: color}", "tasks.closer.init={run: run, task: near}"]
    setup = prepared(workspace, "tasks=[color, mine, closer]", *settings)
    assert same(head(setup, "mine"), load_file(run / "model" / "heads" / "color.safetensors"))
    assert not same(head(setup, "mine"), head(plain, "mine"))
    assert same(head(setup, "color"), head(plain, "color"))
    assert same(state_of(setup.model.encoder, []), state_of(plain.model.encoder, []))
    assert setup.kept_heads == {"mine", "closer"}
    unit = json.loads((run / "model" / "decoding.json").read_text())["near"]
    assert setup.learnt["closer"] == unit, "the numbers of a regression head are in the unit that it has learnt"


def test_a_task_file_names_the_run_beside_it(workspace, run):
    text = MINE.replace("labels: [other, red]", "labels: [other, red]\n  init: {run: run, task: color}")
    (workspace.folder / "mine.yaml").write_text(text)
    setup = prepared(workspace, "tasks=[mine]")
    assert same(head(setup, "mine"), load_file(run / "model" / "heads" / "color.safetensors"))
    assert setup.definitions["mine"].init.run == str(run)


def test_beside_a_run_that_training_starts_from_the_task_has_its_own_start(workspace, run):
    start = ["init.run=run", "encoder.path=null"]
    setup = prepared(workspace, "tasks=[mine]", *start, "tasks.mine.init={run: run, task: color}")
    assert same(head(setup, "mine"), load_file(run / "model" / "heads" / "color.safetensors"))


def test_a_run_that_goes_on_keeps_its_own_head(workspace, run):
    """A run's configuration says where its heads came from, which a run that continues from it must not repeat."""
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("  color:\n", "  color:\n    init: {run: gone, task: color}\n", 1))
    assert RunFolder(run).definitions()["color"].init is not None
    setup = prepare(finetune_experiment(RunFolder(run), "color", []))
    assert setup.definitions["color"].init is None and setup.kept_heads == {"color"}


UNKNOWN = r"init\.task: the run has no task of this name, got"
WRONG = {
    "{run: run, task: colour}": rf"tasks\.mine\.{UNKNOWN} 'colour'\. Did you mean 'color'",
    "{run: run}": rf"tasks\.mine\.{UNKNOWN} 'mine'",
    "{run: gone, task: color}": r"mine\.init\.run: is not the folder of a run .*: tasks\.mine\.init\.run=FOLDER",
    "{run: run, task: near}": r"tasks\.mine\.init\.task: the head of 'near' is for another kind of task \(.*1 output",
    "{task: color}": r"tasks\.mine\.init\.run: is required but missing",
    "{run: run, head: color}": r"tasks\.mine\.init\.head: unknown key",
}


@pytest.mark.parametrize("init", list(WRONG))
def test_a_start_that_is_not_there_is_refused(workspace, run, init):
    with pytest.raises(MtsmartError, match=WRONG[init]):
        prepared(workspace, "tasks=[mine]", f"tasks.mine.init={init}")


MISFITS = {
    "labels=[other, reddish]": r"labels: the head of 'color' has no such label, got 'reddish'\. Did you mean 'red'",
    "labels=[red, other]": r"labels: the head of 'color' has its labels in another order, .*labels: \[other, red\]",
    "head={layers: 1}": r"head\.type: the head of 'color' has type native, got 'plain'\. Write type: native",
}


@pytest.mark.parametrize("setting", list(MISFITS))
def test_a_head_with_other_labels_or_another_form_is_refused(workspace, run, setting):
    with pytest.raises(MtsmartError, match=MISFITS[setting]):
        prepared(workspace, "tasks=[mine]", "tasks.mine.init={run: run, task: color}", f"tasks.mine.{setting}")


def test_a_task_without_a_head_of_its_own_has_no_start(workspace, run):
    with pytest.raises(MtsmartError, match=r"'init' is for a head of the task's own; this one uses that of 'color'"):
        prepared(
            workspace, "tasks=[color, mine]", "tasks.mine.share_head=color", "tasks.mine.init={run: run, task: color}"
        )
