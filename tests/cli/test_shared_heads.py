"""Tasks on another task's head (``share_head``), whatever that head's form: trained beside it, evaluated, predicted."""

import json

import pytest

from tests.conftest import sentences, write_jsonl

SHARED = """
{name}:
  task_type: regression
  dataset: {{files: {{train: near_train.jsonl, validation: near_validation.jsonl}}}}
  text: [a, b]
  label: score
  metrics: [pearson]
  share_head: near
"""


@pytest.mark.parametrize("kind", ["native", "plain", "san"])
def test_a_shared_head_of_any_form_scores_like_its_owner(workspace, cli, kind):
    """Also one that reads the two texts apart, and also for a task that the run did not know."""
    workspace.tasks.write_text(SHARED.format(name="beside") + "  evaluation_only: true\n" + workspace.tasks.read_text())
    (workspace.folder / "later.yaml").write_text(SHARED.format(name="later"))
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[beside, near]"))
    trained = cli("train", workspace.experiment, "training.max_updates=1", f"tasks.near.head.type={kind}", "-o", "run")
    assert trained.code == 0, trained.err
    scores = json.loads((workspace.folder / "run" / "results.json").read_text())["tasks"]
    assert scores["beside"] == scores["near"]

    arguments = ("--task", "near", "--task", "later", "--task-file", "later.yaml")
    result = cli("evaluate", "run", *arguments, "--json")
    assert result.code == 0, result.err
    evaluated = json.loads(result.out)["tasks"]
    assert evaluated["later"] == evaluated["near"]

    write_jsonl(workspace.folder / "in.jsonl", [{"a": a, "b": a[::-1]} for a in sentences(3, seed=7)])
    result = cli("predict", "run", *arguments, "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.code == 0, result.err
    for line in (workspace.folder / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["later.prediction"] == row["near.prediction"]


def test_a_task_of_another_type_is_refused_on_a_run_too(workspace, cli):
    assert cli("train", workspace.experiment, "training.max_updates=1", "-o", "run").code == 0
    (workspace.folder / "later.yaml").write_text(SHARED.format(name="later").replace("head: near", "head: color"))
    result = cli("evaluate", "run", "--task", "later", "--task-file", "later.yaml")
    assert (result.code, result.out) == (2, "")
    assert "later.share_head: is a regression and cannot share the head of a classification, got 'color'" in result.err


@pytest.mark.parametrize(
    "tasks",
    [
        SHARED.format(name="first") + SHARED.format(name="second").replace("head: near", "head: first"),
        SHARED.format(name="alone").replace("head: near", "head: alone"),
    ],
    ids=["one that is lent itself", "its own"],
)
def test_heads_are_lent_by_those_who_own_one(workspace, cli, tasks):
    workspace.tasks.write_text(workspace.tasks.read_text() + tasks)
    result = cli("tasks", "check", workspace.tasks)
    assert (result.code, result.out) == (2, "")
    assert "share_head: names no task with a head of its own" in result.err
