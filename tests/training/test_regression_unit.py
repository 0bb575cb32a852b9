"""A regression task learns standardised labels: its scale changes nothing but the unit of what it predicts."""

import json
import shutil

import datasets
import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.errors import MtsmartWarning
from mtsmart.models.output_unit import OutputUnit, fold
from mtsmart.runs.checkpoints import checkpoint_path
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from mtsmart.training.setup import prepare

ROWS = [{"a": "the red cat", "b": "a big dog"}, {"a": "house", "b": "the old house is blue"}, {"a": "car", "b": "car"}]
ALL = ["training.evaluate_every=4", "training.checkpoint_every=4", "training.keep_checkpoints=9"]


def rescaled(workspace, factor, shift):
    """Multiply and shift the labels of `near` in both files."""
    for split in ("train", "validation"):
        file = workspace.folder / f"near_{split}.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        rows = [{**row, "score": row["score"] * factor + shift} for row in rows]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def predictions(run, rows=ROWS, **kwargs):
    return np.array([row["prediction"] for row in mtsmart.load(run, **kwargs).predict("near", rows)])


def figures(run):
    """What each line of metrics.jsonl says of `near`."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line["tasks"]["near"] for line in lines if "near" in line.get("tasks", {})]


@pytest.fixture
def plain(trained_run):
    """A run on labels from 0 to 2, both terms on."""
    return trained_run(*ALL, name="plain")


def in_thousands(workspace):
    rescaled(workspace, 20, 1000)


@pytest.fixture
def thousand(trained_run):
    """The same run, on the same labels times 20 plus 1,000."""
    return trained_run(*ALL, name="thousand", change=in_thousands)


def test_scaled_labels_give_scaled_predictions_and_the_same_figures(workspace, plain, thousand):
    np.testing.assert_allclose(predictions(thousand), predictions(plain) * 20 + 1000, rtol=1e-6, atol=1e-4)
    pairs = list(zip(figures(plain), figures(thousand), strict=True))
    assert {"loss", "R", "D"} <= {name for one, _ in pairs for name in one}
    for one, other in pairs:  # pearson, the loss, R and D
        assert other == pytest.approx(one, rel=1e-3, abs=1e-6)


def test_scores_have_the_unit_of_the_labels(workspace, thousand):
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[pearson]", "[pearson, mse, rmse, mae, r2]"))
    settings = ["training.max_updates=4"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "scored").path
    scores = mtsmart.load(run).evaluate("near").tasks["near"].metrics
    rows = [json.loads(line) for line in (workspace.folder / "near_validation.jsonl").read_text().splitlines()]
    error = predictions(run, rows) - [row["score"] for row in rows]
    assert scores["mse"] == pytest.approx(np.square(error).mean(), rel=1e-6)
    assert scores["rmse"] == pytest.approx(np.sqrt(scores["mse"]))
    assert scores["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-6)
    assert scores["mae"] < 100  # an error in the unit of the head would be about 1,000
    stored = json.loads((run / "results.json").read_text())
    assert stored["baselines"]["near"]["r2"] == pytest.approx(0, abs=0.5)


def test_an_exported_model_gives_labels(workspace, plain, thousand):
    exported = mtsmart.export(thousand, "near", workspace.folder / "exported").folder
    model = AutoModelForSequenceClassification.from_pretrained(exported)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    inputs = tokenizer([r["a"] for r in ROWS], [r["b"] for r in ROWS], padding=True, return_tensors="pt")
    with torch.no_grad():
        found = model(**inputs).logits.squeeze(-1).numpy()
    np.testing.assert_allclose(found, predictions(thousand), rtol=1e-6)
    assert "for decoding" not in (exported / "README.md").read_text()


def test_a_resumed_run_keeps_its_own_unit(workspace, thousand):
    """Also if the labels have changed since, which the user may allow."""
    point = checkpoint_path(thousand / "checkpoints", 4)
    state = json.loads((point / "state.json").read_text())
    numbers = json.loads((thousand / "model" / "decoding.json").read_text())
    assert state["learnt"] == numbers
    assert numbers["near"]["mean"] > 1000
    rescaled(workspace, 1, 500)
    for other in (thousand / "checkpoints").glob("update-*"):
        if other != point:
            shutil.rmtree(other)
    allowed = ["rows.near.train", "rows.near.validation"]
    with pytest.warns(MtsmartWarning, match="task near: the training labels have mean 15.*; a new run learns them in"):
        mtsmart.train(workspace.experiment, ALL, output_dir=thousand, resume=True, allow_changes=allowed)
    assert json.loads((thousand / "model" / "decoding.json").read_text()) == numbers


def test_a_fine_tuned_head_keeps_its_unit_and_a_fresh_one_takes_that_of_its_rows(workspace, thousand):
    short = ["training.max_updates=1", "optimizer.learning_rate=1e-9"]
    kept = mtsmart.finetune(thousand, "near", short, output_dir=workspace.folder / "kept").path
    np.testing.assert_allclose(predictions(kept), predictions(thousand), rtol=1e-6)
    rescaled(workspace, 1, 500)
    with pytest.warns(
        MtsmartWarning, match="task near: the training labels have mean 15.*; a fine-tuning with head=fre"
    ):
        mtsmart.finetune(thousand, "near", short, output_dir=workspace.folder / "far")
    fresh = mtsmart.finetune(thousand, "near", ["head=fresh", *short], output_dir=workspace.folder / "fresh").path
    assert predictions(fresh).min() > 1490


def test_tasks_that_share_a_head_have_its_unit(workspace, thousand):
    (workspace.folder / "more.yaml").write_text(
        "again: {task_type: regression, dataset: {files: {validation: near_validation.jsonl}}, text: [a, b], "
        "label: score, share_head: near, evaluation_only: true, metrics: [pearson, mae]}\n"
    )
    run = mtsmart.load(thousand, ["more.yaml"])
    assert run.predict("again", ROWS) == run.predict("near", ROWS)
    joint = ["tasks=[near,again]", "task_files=[tiny_tasks.yaml,more.yaml]", "training.max_updates=1"]
    both = mtsmart.load(mtsmart.train(workspace.experiment, joint, output_dir=workspace.folder / "both").path)
    assert both.predict("again", ROWS) == both.predict("near", ROWS)
    assert both.evaluate("again").tasks["again"].metrics["mae"] < 100


def test_a_teacher_with_another_unit_teaches_in_the_students(workspace, plain, thousand):
    """The student's labels are in the thousands, the teacher's were not: its outputs are given the student's unit."""
    text = workspace.experiment.read_text().replace("tasks: [color, near]", "tasks: [near]")
    workspace.write_experiment(text + "distill: {teachers: [thousand, plain], weight: 0.5}\n")
    setup = prepare(load_experiment(workspace.experiment))
    task = setup.tasks["near"]
    batch = task.collate([task.train.rows[row] for row in range(4)], 0)
    source = [json.loads(line) for line in (workspace.folder / "near_train.jsonl").read_text().splitlines()]
    rows = [source[row] for row in batch.rows]
    taught = task.type.unit.to_labels(batch.targets["teacher"].squeeze(-1))
    mean = (predictions(workspace.folder / "thousand", rows) + predictions(workspace.folder / "plain", rows)) / 2
    np.testing.assert_allclose(taught, mean, rtol=1e-5)


def test_without_it_the_head_learns_the_labels_as_they_are(workspace):
    old = workspace.tasks.read_text()
    workspace.tasks.write_text(old.replace("metrics: [pearson]", "metrics: [pearson]\n  options: {standardize: false}"))
    run = mtsmart.train(workspace.experiment, ["training.max_updates=1"], output_dir=workspace.folder / "run").path
    assert json.loads((run / "model" / "decoding.json").read_text()) == {}


def test_equal_labels_are_predicted(workspace):
    rescaled(workspace, 0, 37.5)
    run = mtsmart.train(workspace.experiment, ["smart=off"], output_dir=workspace.folder / "run").path
    assert mtsmart.load(run).task("near").decoding == {"mean": 37.5, "std": 1.0}
    np.testing.assert_allclose(predictions(run), 37.5, atol=5)


@pytest.mark.parametrize(
    ("labels", "is_far"),
    [
        ([70.0, 90.0], False),
        ([50.0, 50.0], False),
        ([111.0, 111.5], True),
        ([-10.0, -11.0], True),
        ([40.0, 60.0], False),
        ([-60.0, 160.0], True),
        ([49.0, 51.0], True),
        ([0.2, 0.9], True),
    ],
)
def test_labels_far_from_the_unit_in_use_are_told(labels, is_far):
    """The head learnt labels with mean 50 and standard deviation 20."""
    definition = TaskDefinition(task_type="regression", text=["a"], dataset={"files": {"train": "x.csv"}})
    task = build_task("t", definition)
    rows = datasets.Dataset.from_dict({"labels": labels})
    assert task.misfit(rows) is None
    task.use({"mean": 50.0, "std": 20.0})
    assert (task.misfit(rows) is not None) == is_far


@pytest.mark.parametrize("labels", [[1e-200, 3e-200], [-1e15, 1e15, 0.0], [1e9, 1e9 + 1e-3], [5e-324, 0.0]])
def test_the_unit_of_very_small_and_very_large_labels_is_finite(labels):
    unit = OutputUnit.of_labels(labels)
    standard = unit.from_labels(labels)
    assert np.abs(standard).max() < 3
    back = unit.to_labels(torch.from_numpy(standard))
    np.testing.assert_allclose(back, labels, rtol=1e-12, atol=1e-6 * np.ptp(labels))
    assert OutputUnit.of_numbers(unit.to_numbers()) == unit


def test_a_class_without_a_bias_cannot_hold_the_mean():
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 1, bias=False))
    before = module[1].weight.clone()
    assert not fold(OutputUnit(5.0, 2.0), module)
    torch.testing.assert_close(module[1].weight, before)
