"""Whose weights a run keeps: the student's, the teacher's, or those that score better. A task's own MBPP."""

import json

import pytest

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import ConfigError
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.evaluation.stored_run import read_run
from mtsmart.runs.folder import RunFolder
from mtsmart.training.selection import best_of
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

# A teacher that stays where the run began: what it scores is not what the student scores.
STILL = ["smart=off", "mbpp={preset: paper, beta: 1, early_beta: 1}", "training.epochs=2"]


def evaluations(run):
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["type"] == "evaluation"]


def train(workspace, *settings):
    return mtsmart.train(workspace.experiment, [*STILL, *settings], output_dir=settings[0].replace("=", "-"))


def weights(run):
    return dict(read_run(RunFolder(run.path)).model.state_dict())


def test_each_evaluation_keeps_whoever_was_asked_for(workspace):
    runs = {keep: train(workspace, f"mbpp.keep={keep}") for keep in ("student", "teacher", "better")}
    scores = {keep: [line["score"] for line in evaluations(run.path)] for keep, run in runs.items()}
    kept = {keep: [line.get("model") for line in evaluations(run.path)] for keep, run in runs.items()}
    assert scores["better"] == list(map(max, scores["student"], scores["teacher"]))
    assert len(set(scores["teacher"])) == 1 != len(set(scores["student"]))
    assert (kept["student"], kept["teacher"]) == ([None, None], ["teacher", "teacher"])
    best = max(range(2), key=scores["better"].__getitem__)
    same = runs[kept["better"][best] or "student"]  # It has the same model at that evaluation,
    if scores["better"][best] == max(scores[kept["better"][best] or "student"]):  # and has kept it.
        found = weights(runs["better"])
        assert all((found[name] == value).all() for name, value in weights(same).items())


def test_the_kept_model_is_the_one_that_was_scored(workspace):
    run = train(workspace, "mbpp.keep=teacher")
    again = mtsmart.load(run.path).evaluate()
    assert again.score == pytest.approx(run.results["score"], abs=1e-6)


@pytest.mark.parametrize(("keep", "texts"), [("better", ["the student is kept"]), ("teacher", []), ("student", [])])
def test_without_scores_the_weights_that_are_kept_are_told(workspace, keep, texts):
    setup = prepare(load_experiment(workspace.experiment, [*STILL, f"mbpp.keep={keep}", "training.max_updates=1"]))
    folder = RunFolder(workspace.folder / "run")
    folder.path.mkdir()
    trainer = Trainer(setup.without_validation(), folder)
    told = []
    trainer.notify = told.append
    trainer.train()
    assert [text.split(": ")[1] for text in told if "no task has validation rows" in text] == texts


class Fitted:
    """A task type, as far as its decoding goes."""

    def __init__(self):
        self.decoding = {}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.5, 0.6], 1), ([0.6, 0.5], 0), ([0.5, 0.5], 0), ([float("nan"), 0.1], 1), ([None, None], 0), ([None, 0.0], 1)],
)
def test_the_best_weights_win_and_bring_what_was_fitted_for_them(scores, expected):
    task = Fitted()

    def score(model):
        task.decoding = {"threshold": float(model)}
        value = scores[model]
        return Evaluation({} if value is None else {"t": TaskResult({"accuracy": value}, {})})

    found = best_of({"student": 0, "teacher": 1}, {"t": task}, score)
    assert (found.model, task.decoding) == (expected, {"threshold": float(expected)})


@pytest.mark.parametrize("section", ["off", "{weight: 0.5}", "{every: 2, weight: 1}"])
def test_a_task_may_weigh_the_term_by_itself(workspace, section):
    run = mtsmart.train(workspace.experiment, ["mbpp=tuned", f"tasks.color.mbpp={section}", "training.max_updates=11"])
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    figures = [line["tasks"] for line in lines if line["type"] == "train"]
    assert any("D" in tasks.get("color", {}) for tasks in figures) == (section != "off")


@pytest.mark.parametrize(
    ("section", "key"), [("{beta: 0.5}", "beta"), ("paper", "preset"), ("{keep: teacher}", "keep")]
)
def test_a_task_has_no_teacher_of_its_own(workspace, section, key):
    with pytest.raises(ConfigError, match=rf"tasks\.color\.mbpp\.{key}: is the same for all tasks"):
        mtsmart.train(workspace.experiment, [f"tasks.color.mbpp={section}"])


def test_settings_that_came_later_leave_a_runs_fingerprint_as_it_was():
    method = REGULARIZERS["mbpp"]
    plain = method.identity(method.section()(preset="tuned"), {"a": None})
    assert set(plain) == {"weight", "beta", "early_beta", "early", "inner_steps", "every"}
    assert "horizon" in method.identity(method.section()(preset="tuned", horizon=0.1), {"a": None})
    own = method.identity(method.section()(preset="tuned"), {"a": method.section()(weight=2.0), "b": None})
    assert (own["a"]["weight"], own["b"]["weight"]) == (2.0, 0.1)
