"""Suites: their tasks train and score, their reports follow their authors, slices, and heads of other tasks."""

import json
import math
from contextlib import suppress

import pytest

import mtsmart
from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.errors import ConfigError, MtsmartError
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.suites.conventions import SUITES
from mtsmart.suites.report import SuiteReport, evaluate_suite
from mtsmart.task_types import build_tasks
from mtsmart.tasks import TaskLibrary
from tests.suites.conftest import TASKS
from tests.suites.stubs import STRESS


def report(name, **scores):
    """A report of known scores: task -> (metrics, rows)."""
    suite = SUITES[name]
    tasks = {task: TaskResult(dict(metrics), rows=rows) for task, (metrics, rows) in scores.items()}
    return SuiteReport(suite, suite.split, Evaluation(tasks))


BERT_LARGE_ON_GLUE = {
    "cola": {"mcc": 60.5, "accuracy": 0},
    "sst2": {"accuracy": 94.9},
    "mrpc": {"f1": 89.3, "accuracy": 85.4},
    "stsb": {"pearson": 87.6, "spearman": 86.5},
    "qqp": {"f1": 72.1, "accuracy": 89.3},
    "mnli": {"accuracy": 86.7},
    "mnli_mismatched": {"accuracy": 85.9},
    "qnli": {"accuracy": 92.7},
    "rte": {"accuracy": 70.1},
    "wnli": {"accuracy": 65.1},
}
BERT_LARGE_ON_SUPERGLUE = {
    "boolq": {"accuracy": 77.4},
    "cb": {"macro_f1": 75.7, "accuracy": 83.6},
    "copa": {"accuracy": 70.6},
    "multirc": {"f1": 70.0, "group_exact": 24.1},
    "record": {"answer_f1": 72.0, "answer_exact": 71.3},
    "superglue_rte": {"accuracy": 71.7},
    "wic": {"accuracy": 69.6},
    "wsc": {"accuracy": 64.4},
}
BERT_LARGE_ON_ADVGLUE = {
    "adv_sst2": {"accuracy": 33.03},
    "adv_qqp": {"accuracy": 37.91, "f1": 16.56},
    "adv_mnli": {"accuracy": 28.72},
    "adv_mnli_mismatched": {"accuracy": 27.05},
    "adv_qnli": {"accuracy": 39.77},
    "adv_rte": {"accuracy": 40.46},
}


@pytest.mark.parametrize(
    ("name", "scores", "published"),
    [
        ("glue", BERT_LARGE_ON_GLUE, 80.5),
        ("superglue", BERT_LARGE_ON_SUPERGLUE, 69.0),
        ("advglue", BERT_LARGE_ON_ADVGLUE, 33.7),
    ],
)
def test_averages_are_those_that_the_authors_publish(name, scores, published):
    """BERT-large's scores on the boards of GLUE and SuperGLUE, and in the paper of AdvGLUE."""
    made = report(name, **{task: (metrics, 1) for task, metrics in scores.items()})
    assert round(made.overall, 1) == published
    assert len(made.lines) == {"glue": 9, "superglue": 8, "advglue": 5}[name]


def test_rounds_count_by_their_rows():
    rounds = {
        f"anli_r{n}": ({"accuracy": score}, rows) for n, score, rows in ((1, 0.5, 10), (2, 0.2, 10), (3, 0.1, 20))
    }
    assert report("anli", **rounds).lines == {"round 1": 0.5, "round 2": 0.2, "round 3": 0.1}
    assert report("anli", **rounds).overall == pytest.approx((5 + 2 + 2) / 40)


def test_a_suite_that_lacks_a_task_has_no_average():
    scores = {
        task: (metrics, 1) for task, metrics in BERT_LARGE_ON_GLUE.items() if task not in ("mnli_mismatched", "qqp")
    }
    made = report("glue", **scores)
    assert made.overall is None and made.missing == ["qqp", "mnli_mismatched"]
    assert made.lines["MNLI"] is None and made.lines["CoLA"] == 60.5
    assert made.to_json()["score"] is None


def test_a_metric_that_the_task_does_not_have_is_named():
    with pytest.raises(ConfigError, match=r"mrpc.metrics: the suite counts.*Write metrics: \[f1, accuracy\]"):
        assert report("glue", mrpc=({"f1": 1.0}, 1)).lines


def test_hans_by_label_and_heuristic(suite_run, cli):
    """Two labels of three: what the head calls neutral or contradiction is non-entailment."""
    result = cli("evaluate", suite_run, "--suite", "hans", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    slices = {tuple(part["values"]): part for part in found["slices"]["hans"]}
    kinds = ("lexical_overlap", "subsequence")
    assert list(slices) == [(label, kind) for label in ("entailment", "non-entailment") for kind in kinds]
    assert [part["rows"] for part in slices.values()] == [2, 2, 2, 2]
    rows = [{"premise": "a dog", "hypothesis": "the cat"}]
    assert mtsmart.load(suite_run).predict("hans", rows)[0]["prediction"] in ("entailment", "non-entailment")
    mean = sum(part["accuracy"] * part["rows"] for part in slices.values()) / 8
    assert found["score"] == found["lines"]["all rows"] == pytest.approx(mean)
    table = cli("evaluate", suite_run, "--suite", "hans").out
    assert "hans, validation: score" in table and "hans by label and heuristic" in table and "subsequence" in table


def test_each_suite_is_scored_with_one_command(suite_run):
    reports = {name: evaluate_suite(suite_run, name) for name in ("superglue", "advglue", "anli", "stress", "paws")}
    assert all(made.overall is not None for made in reports.values())
    assert list(reports["anli"].lines) == ["round 1", "round 2", "round 3"]
    assert {task: result.rows for task, result in reports["anli"].evaluation.tasks.items()} == {
        "anli_r1": 5,
        "anli_r2": 6,
        "anli_r3": 7,
    }
    assert list(reports["stress"].lines) == [f"stress_{name}" for name in STRESS]
    assert [reports[name].split for name in ("anli", "paws", "stress")] == ["test", "test", "validation"]


def test_another_head_may_score_a_suite(suite_run):
    own = evaluate_suite(suite_run, "anli")
    borrowed = evaluate_suite(suite_run, "anli", head="mnli")
    assert set(borrowed.evaluation.tasks) == set(own.evaluation.tasks)
    run = mtsmart.load(suite_run)
    assert run.evaluate("paws", head="qqp").tasks["paws"].rows == 4
    assert run.evaluate("mnli", head="mnli", split="validation") == run.evaluate("mnli", split="validation")
    for arguments, message in (
        (("anli_r1", "sst2"), "does not say which of .* the shared head's label 'negative'"),
        (("anli_r1", "hans"), "the run has no head for this task|names no task with a head of its own"),
        ((None, "mnli"), "task: must say which task the head is for"),
    ):
        with pytest.raises(MtsmartError, match=message):
            run.evaluate(arguments[0], head=arguments[1])
    with pytest.raises(MtsmartError, match="head: does not go with a new file"):
        run.evaluate("rte", file="x.csv", head="rte")


def test_what_does_not_fit_a_suite_is_one_line(trained_run, cli):
    trained_run()
    for arguments, message in (
        (["--suite", "hanz"], "there is no task, suite or match of this name, got 'hanz'. Did you mean 'hans'"),
        (["--suite", "hans"], "--suite: the run has no head for any of: hans, got 'hans'. If the head of another"),
        (["--suite", "hans", "-t", "color"], "--suite: does not go with --task"),
        (["-t", "color", "--by", "colour"], "colour: there is no such column"),
    ):
        result = cli("evaluate", "run", *arguments)
        assert result.code == 2 and message in result.err and len(result.err.splitlines()) == 1, (arguments, result.err)


def test_slices_of_any_task(trained_run, cli):
    """Their scores are those of the rows alone, and they hold all rows."""
    trained_run()
    found = json.loads(cli("evaluate", "run", "-t", "color", "--by", "label", "--json").out)
    slices = {part["values"][0]: part for part in found["slices"]["color"]}
    details = json.loads(cli("evaluate", "run", "-t", "color", "--details", "--json").out)["details"]["color"]
    for label, counts in details["labels"].items():
        assert slices[label]["rows"] == counts["support"]
        assert slices[label]["accuracy"] == pytest.approx(counts["recall"])
    assert "color by label" in cli("evaluate", "run", "-t", "color", "--by", "label").out


def test_all_of_them_train_jointly(suite_run):
    results = mtsmart.load(suite_run).evaluate()
    assert set(results.tasks) == set(TASKS)
    assert all(not math.isnan(result.main) for result in results.tasks.values())
    assert set(results.tasks["multirc"].metrics) == {"f1", "group_exact"}
    assert set(results.tasks["record"].metrics) == {"answer_f1", "answer_exact"}


@pytest.mark.parametrize(
    ("task", "texts"),
    [
        ("wic", ["dog: the *dog* runs", "a big *dog*"]),
        ("wsc", ["the dog sees a cat and *it* runs", "the dog"]),
    ],
)
def test_what_a_task_is_about_is_marked(stub_hub, task, texts):
    definition = TaskLibrary()[task]
    rows = load_split(task, definition, "train", definition.text, DataConfig(hub_dir=str(stub_hub)))
    assert [rows[0][column] for column in definition.text] == texts


@pytest.mark.parametrize(("suite", "split"), [("superglue", "test"), ("glue", "test"), ("glue", "validation")])
def test_stubs_have_the_columns_of_the_real_data(hub_dir, stub_hub, suite, split):
    """Where a clone of the real data set is there."""
    library = TaskLibrary()
    compared = 0
    for name in library.find(suite):
        task = build_tasks({each: library.entry(each) for each in {name, library[name].share_head or name}})[name]
        found = []
        for hub in (hub_dir, str(stub_hub)):
            with suppress(mtsmart.MtsmartError):  # The clone holds a part of the data set.
                found.append(load_split(name, task.definition, split, [*task.columns, "idx"], DataConfig(hub_dir=hub)))
        if len(found) == 2:
            real, stub = ({column: kind_of(rows, column) for column in rows.column_names} for rows in found)
            assert real == stub, name
            compared += 1
    assert compared


def kind_of(rows, column):
    """The type of a column; how long texts may be, and whether labels have names in the file, makes no difference."""
    return "label" if column == "label" else str(rows.features[column]).replace("large_", "")
