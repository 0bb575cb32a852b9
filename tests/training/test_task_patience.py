"""A task's patience: when it stops, which head it keeps, what is told, resuming to the bit."""

import json

import numpy as np
import pytest
import torch

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.config.sections import MixingConfig
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.runs.folder import RunFolder
from mtsmart.training.selection import Candidate
from mtsmart.training.setup import prepare
from mtsmart.training.sharding import Student
from mtsmart.training.stopping.task_patience import TaskPatience
from mtsmart.training.trainer import Trainer
from tests.training.test_resume import StopAt, assert_same_run

# Scores of so few rows soon stay the same. 12 updates, with an evaluation after every second one.
SETTINGS = [
    "tasks.color.patience=2",
    "smart=off",
    "mbpp=off",
    "training.epochs=1",
    "training.evaluate_every=2",
    "training.log_every=1",
    "training.checkpoint_every=1",
    "training.keep_checkpoints=99",
    "optimizer.learning_rate=1e-5",
]


def sampler(strategy="proportional", accumulation=1):
    lengths = {"a": np.ones(40, dtype=np.int32), "b": np.ones(24, dtype=np.int32), "c": np.ones(16, dtype=np.int32)}
    return MultiTaskSampler(lengths, 8, MixingConfig(strategy=strategy), epochs=2, seed=1, accumulation=accumulation)


@pytest.mark.parametrize("strategy", ["proportional", "annealed", "uniform"])
def test_the_batches_of_a_stopped_task_are_left_out_and_the_others_stay_as_they_were(strategy):
    made = sampler(strategy)
    before = [*made.plan(0)]
    done = made.stop({"a"}, 0, 4)
    after = [*made.plan(0)]
    assert after == [batch for batch in before if batch.task != "a"]
    assert after[done:] == [batch for batch in before[4:] if batch.task != "a"]
    assert made.length(0) == len(after)
    assert made.length(5) == len(made.plan(5)) > 0  # the others go on in further epochs


def test_rounds_go_on_with_one_batch_of_each_task_that_is_left():
    made = sampler("rounds", accumulation=2)
    assert made.batches_per_update == 6
    done = made.stop({"b"}, 0, 6)
    assert (done, made.batches_per_update) == (4, 4)
    assert [batch.task for batch in made.plan(0)[done:]][:4] == ["a", "c", "a", "c"]


def test_without_tasks_an_epoch_has_no_batches():
    made = sampler()
    made.stop({"a", "b", "c"}, 0, 0)
    assert made.length(0) == len(made.plan(0)) == 0


@pytest.fixture
def model(workspace):
    return Trainer(prepare(load_experiment(workspace.experiment)), RunFolder(workspace.folder / "unused")).setup.model


def test_a_task_that_stops_gets_the_head_of_its_best_evaluation_back_and_is_scored_again(model):
    patience = TaskPatience({"color": 2})
    heads = {}
    asked = []

    def score(scored, tasks):
        asked.append(list(tasks))
        return Evaluation({task: TaskResult({"accuracy": 0.65}) for task in tasks})

    def look(update, color):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01)
        heads[update] = {name: part.clone() for name, part in model.head("color").state_dict().items()}
        tasks = {"color": TaskResult({"accuracy": color}), "near": TaskResult({"pearson": 0.1 * update})}
        return patience.look(Candidate("student", model, Evaluation(tasks), {}), update, Student(model), [], score)

    look(1, 0.5)
    look(2, 0.7)
    look(3, 0.7)  # as good is not better
    assert not patience.stopped
    encoder = {name: part + 0.01 for name, part in model.encoder.named_parameters()}
    found = look(4, 0.6)
    assert asked == [["color"]]
    stopped = patience.stopped["color"]
    assert (stopped.update, stopped.best_update, stopped.best_score, stopped.score) == (4, 2, 0.7, 0.65)
    assert all(part.equal(heads[2][name]) for name, part in model.head("color").state_dict().items())
    assert all(torch.equal(part, encoder[name]) for name, part in model.encoder.named_parameters())
    assert found.evaluation.tasks["color"].main == 0.65 and found.evaluation.tasks["near"].main == 0.4
    look(5, 0.9)
    assert list(patience.stopped) == ["color"] and not patience.tensors()


def test_a_score_that_is_not_defined_is_never_better(model):
    patience = TaskPatience({"color": 2})
    for update, value in enumerate((0.5, float("nan"), float("nan"))):
        evaluation = Evaluation({"color": TaskResult({"f1": value})})
        patience.look(
            Candidate("student", model, evaluation, {}),
            update,
            Student(model),
            [],
            lambda scored, tasks, of=evaluation: of,
        )
    assert patience.stopped["color"].best_update == 0
    assert patience.stopped["color"].score is None


@pytest.fixture
def stopped_run(trained_run):
    return trained_run(*SETTINGS, name="whole")


def lines_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_stopped_task_is_not_drawn_and_the_run_keeps_its_length(stopped_run):
    stopped = json.loads((stopped_run / "results.json").read_text())["stopped"]["color"]
    drawn = [set(line["tasks"]) for line in lines_of(stopped_run) if line["type"] == "train"]
    assert len(drawn) == 12 and stopped["update"] < 12
    assert all(tasks == {"near"} for tasks in drawn[stopped["update"] :])
    assert any("color" in tasks for tasks in drawn[: stopped["update"]])


def test_the_saved_model_scores_what_is_reported(stopped_run):
    results = json.loads((stopped_run / "results.json").read_text())
    found = mtsmart.load(stopped_run).evaluate()
    assert {name: task.main for name, task in found.tasks.items()} == pytest.approx(
        {name: next(iter(metrics.values())) for name, metrics in results["tasks"].items()}, abs=1e-6
    )


def test_the_card_and_the_console_tell_it(workspace, cli):
    done = cli("train", workspace.experiment, *SETTINGS, "-o", "run")
    assert "task color is no longer drawn after update " in done.out + done.err
    assert "Task color is no longer drawn after update " in (workspace.folder / "run" / "README.md").read_text()


@pytest.mark.parametrize("stop", [7, *(pytest.param(stop, marks=pytest.mark.slow) for stop in (3, 9))])
def test_resuming_is_exact(workspace, stopped_run, stop):
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, callback=StopAt(stop))
    mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, resume=True)
    assert_same_run(stopped_run, folder, terms=[])


def test_the_run_ends_when_no_task_is_left(workspace):
    settings = [*SETTINGS, "tasks.near.patience=1", "tasks.color.patience=1", "optimizer.learning_rate=1e-12"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run")
    updates = [line["update"] for line in lines_of(run.path) if line["type"] == "train"]
    assert updates[-1] < 12
    assert set(run.results["stopped"]) == {"color", "near"}
    assert mtsmart.train(workspace.experiment, settings, output_dir=run.path, resume=True).results == run.results


def test_a_head_that_two_tasks_train_cannot_stop(workspace, cli):
    text = workspace.tasks.read_text()
    second = text[text.index("color:") : text.index("near:")].replace("color:", "hue:", 1) + "  share_head: color\n"
    workspace.tasks.write_text(text + second)
    for task in ("color", "hue"):
        done = cli("train", workspace.experiment, "tasks=[color, near, hue]", f"tasks.{task}.patience=2", "-o", "run")
        assert done.code == 2, done.out
        assert f"tasks.{task}.patience: does not go with a head that several tasks train" in done.err


def test_patience_without_validation_rows_is_told_to_have_no_effect(workspace, cli):
    text = workspace.tasks.read_text().replace(", validation: color_validation.jsonl", "")
    workspace.tasks.write_text(text)
    done = cli("train", workspace.experiment, "tasks.color.patience=2", "training.max_updates=2", "-o", "run")
    assert "tasks.color.patience: the task has no validation rows" in done.err
