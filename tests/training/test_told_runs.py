"""Runs that cannot be right are told: tasks without an update, limits that the encoder lowers, scores of a constant."""

import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import mtsmart
from mtsmart.config.sections import MixingConfig
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.errors import MtsmartWarning
from mtsmart.regularizers import REGULARIZERS
from mtsmart.reporting.verdicts import tell_verdicts
from mtsmart.runs.results import Results, ScoredUpdate
from mtsmart.training.figures.watch import Watch


@pytest.mark.parametrize("strategy", ["proportional", "uniform", "rounds"])
def test_tasks_that_get_a_batch_are_known_before_training(strategy):
    lengths = {"big": np.full(400, 5), "small": np.full(2, 5)}
    sampler = MultiTaskSampler(lengths, 8, MixingConfig(strategy=strategy), epochs=2, seed=1)
    order = [batch.task for epoch in range(2) for batch in sampler.plan(epoch)]
    for updates in (1, 2, 5, 30, 60, 120):
        assert sampler.drawn_within(updates) == set(order[: updates * sampler.batches_per_update])


def test_a_task_without_an_update_is_not_scored_or_exported(workspace, cli):
    trained = cli("train", workspace.experiment, "training.max_updates=1", "-o", "run")
    assert trained.code == 0
    results = json.loads((workspace.folder / "run/results.json").read_text())
    (missed,) = results["untrained"]
    (drawn,) = {"color", "near"} - {missed}
    assert list(results["tasks"]) == list(results["baselines"]) == [drawn]
    assert f"warning: task {missed}: none of the 1 updates has a batch of it" in trained.err
    assert re.search(rf"│ {missed} +│ not scored", trained.out)
    shutil.copytree(workspace.folder / "run", workspace.folder / "again")
    assert re.search(rf"│ {missed} +│ not scored", cli("runs", "compare", "run", "again").out)
    assert list(json.loads(cli("evaluate", "run", "--json").out)["tasks"]) == [drawn]
    refused = cli("export", "run", "--task", missed, "out")
    assert (
        refused.code == 2 and f"--task: got no update in this run, so its head is random, got '{missed}'" in refused.err
    )
    assert cli("export", "run", "--task", drawn, "out").code == 0
    told = f"No update has trained the head of {missed}, so what the head would answer is random"
    assert told in (workspace.folder / "run/README.md").read_text()
    assert told in cli("push", "run", "me/model", "--dry-run").err
    assert cli("report", "run", "-o", "page.html").code == 0
    assert f"{told}. It is not scored." in (workspace.folder / "page.html").read_text()
    columns = {"text": "red"} if missed == "color" else {"a": "red", "b": "dog"}
    with pytest.warns(MtsmartWarning, match=f"the run has not trained the head of: {missed}"):
        mtsmart.load("run").predict(missed, [columns])


def test_resuming_where_no_run_is_tells_that_a_new_one_starts(workspace, cli):
    arguments = ("train", workspace.experiment, "training.max_updates=1", "-o", "run", "--resume")
    told = "run holds no run, so nothing is resumed, and a new run starts"
    assert told in cli(*arguments).err
    again = cli(*arguments)
    assert again.code == 0 and "nothing is resumed" not in again.out + again.err


def test_a_kept_head_is_scored_without_an_update(workspace):
    first = mtsmart.train(workspace.experiment, ["training.max_updates=2"], output_dir="first")
    changes = [f"init.run={first.path}", "training.max_updates=1", "encoder.path=null"]
    second = mtsmart.train(workspace.experiment, changes, output_dir="second")
    assert set(second.results["tasks"]) == {"color", "near"} and "untrained" not in second.results


def test_a_max_length_above_the_encoders_is_told_and_stored_as_used(workspace, cli):
    given = [
        "data.max_length=500",
        "tasks.near.max_length=400",
        "training.max_updates=2",
        "training.checkpoint_every=1",
    ]
    trained = cli("train", workspace.experiment, *given, "-o", "run")
    assert "data.max_length: 500 is more than the 64 tokens that the encoder takes, so 64 is used" in trained.err
    assert "tasks.near.max_length: 400 is more than the 64 tokens" in trained.err
    stored = mtsmart.load("run")
    assert stored.config.data.max_length == 64 and stored.definitions["near"].max_length == 64
    assert cli("train", workspace.experiment, *given, "-o", "run", "--resume").code == 0
    config = workspace.folder / "run/config.yaml"
    config.write_text(
        config.read_text().replace("max_length: 64", "max_length: 500", 1)
    )  # as earlier versions stored it
    assert cli("train", workspace.experiment, *given, "-o", "run", "--resume").code == 0


def setup_of(**parts):
    parts = {"config": SimpleNamespace(init=None), "kept_heads": (), **parts}
    return SimpleNamespace(**parts)


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.75, "task t: accuracy 0.750 is that of a constant prediction (0.750)"),
        (0.5, "task t: accuracy 0.500 is below that of a constant"),
        (0.76, None),
    ],
)
def test_a_score_that_a_constant_reaches_is_told(recwarn, score, text):
    best = ScoredUpdate(3, score, {"t": {"accuracy": score, "f1": 0.0}})
    tell_verdicts(setup_of(), Results(best, best, {"t": {"accuracy": 0.75, "f1": 0.0}}))
    told = [str(each.message) for each in recwarn]
    assert [each.startswith(text or "-") for each in told] == [True] * (text is not None)


def test_a_fine_tuning_that_ends_below_its_start_is_told(workspace):
    first = mtsmart.train(workspace.experiment, ["training.max_updates=2"], output_dir="first")
    results = json.loads((first.path / "results.json").read_text())
    results["best"]["tasks"]["color"]["accuracy"] = results["tasks"]["color"]["accuracy"] = 0.999
    (first.path / "results.json").write_text(json.dumps(results))
    changes = ["training.max_updates=1"]
    with pytest.warns(
        MtsmartWarning, match=r"task color: fine-tuning ended at accuracy 0.\d+, below the 0.999 of the run"
    ):
        mtsmart.finetune(first.path, "color", changes, output_dir="second")


def test_fine_tuning_takes_tasks_of_other_files(workspace, cli):
    assert cli("train", workspace.experiment, "training.max_updates=2", "-o", "run").code == 0
    task = workspace.tasks.read_text().split("near:")[0].replace("color:", "colour:")
    (workspace.folder / "more.yaml").write_text(task + task.replace("colour:", "hue:"))
    tuned = cli("finetune", "run", "--task", "hue", "--task-file", "more.yaml", "training.max_updates=1", "-o", "two")
    assert tuned.code == 0 and list(mtsmart.load("two").definitions) == ["hue"]
    refused = cli("finetune", "run", "--task", "tint", "-o", "three")
    assert refused.code == 2
    assert "--task: neither the run nor the library has this task, got 'tint'" in refused.err
    assert "--task-file" in refused.err


def test_an_unquoted_list_is_told(workspace, cli):
    refused = cli("train", workspace.experiment, "tasks=[color,", "near]")
    assert refused.code == 2
    assert "command line: is not valid YAML: it ends within a list or mapping, got 'tasks=[color,'" in refused.err
    assert "quote it: 'tasks=[one, another]'" in refused.err


def test_a_head_of_nobody_is_told_with_the_nearest_task(workspace, cli):
    text = workspace.tasks.read_text() + workspace.tasks.read_text().split("near:")[0].replace("color:", "later:")
    workspace.tasks.write_text(text + "  share_head: colour\n")
    line = text.count("\n") + 1
    for command in (("tasks", "check", workspace.tasks), ("train", workspace.experiment, "tasks=[color, later]")):
        refused = cli(*command)
        assert refused.code == 2
        assert (
            f"tiny_tasks.yaml:{line}: later.share_head: names no task, got 'colour'. Did you mean 'color'?"
            in refused.err
        )


def test_a_teacher_that_lags_behind_a_learning_model_is_no_alarm():
    (figure,) = [one for one in REGULARIZERS.figures() if one.alarm and one.alarm.unless_learning]
    values = [0.01, 0.02, 0.05, 0.1, 3.0, 4.0]

    def told(losses):
        watch = Watch(10**6, [figure])
        lines = zip(losses, values, strict=True)
        return [
            text for n, (loss, value) in enumerate(lines) for text in watch.look(n, {"t": {"loss": loss, "D": value}})
        ]

    assert told([1.0, 0.9, 0.8, 0.6, 0.5, 0.4]) == []
    (text,) = told([1.0, 0.9, 1.0, 2.0, 3.0, 4.0])
    assert "MBPP's term of task t has jumped to 3" in text and "radius" not in text


def test_a_task_whose_rows_define_no_score_leaves_the_choice_to_the_others(workspace):
    file = workspace.folder / "near_validation.jsonl"
    rows = [{**json.loads(line), "score": 1.0} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[pearson]", "[r2, mse]"))
    told = r"task near: the validation rows do not define r2, so the score is that of the other tasks"
    with pytest.warns(MtsmartWarning, match=told):
        run = mtsmart.train(workspace.experiment, ["smart=off", "mbpp=off", "training.patience=1"])
    best = run.results["best"]
    assert best["score"] == best["tasks"]["color"]["accuracy"] and best["tasks"]["near"]["r2"] is None
