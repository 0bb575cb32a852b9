"""Class weights, smoothing, focal loss and soft labels while training: with both terms, in rounds, resumed."""

import json
import math
import shutil

import pytest

import mtsmart
from mtsmart.runs.checkpoints import checkpoint_path
from tests.conftest import quick_are

OPTIONS = {
    "balanced": ("{class_weights: balanced}", "null"),
    "given": ("{class_weights: {red: 5}, label_smoothing: 0.1}", "null"),
    "focal": ("{class_weights: balanced, gamma: 1.5}", "focal"),
    "soft": ("{soft_labels: true, class_weights: balanced}", "null"),
}


def colors(workspace, name, metrics="[accuracy, f1]"):
    """Give the task `color` options of the loss; soft labels get a file of their own."""
    options, loss = OPTIONS[name]
    text = workspace.tasks.read_text().replace("metrics: [accuracy, f1]", f"metrics: {metrics}", 1)
    text = text.replace("  labels: [other, red]\n", f"  labels: [other, red]\n  options: {options}\n  loss: {loss}\n")
    workspace.tasks.write_text(text)
    if name == "soft":
        file = workspace.folder / "color_train.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows:
            row["label"] = {"red": 0.8, "other": 0.2} if row["label"] == "red" else {"red": 0.1, "other": 0.9}
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    # A form of the loss has no state of its own. How balanced weights come back is in the next test.
    "name",
    quick_are(OPTIONS, "soft"),
)
def test_a_run_with_both_terms_in_rounds_is_resumed_to_the_bit(workspace, name):
    colors(workspace, name)
    settings = ["mixing.strategy=rounds", "training.checkpoint_every=3", "training.epochs=1"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    figures = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    logged = [line["tasks"]["color"] for line in figures if line["type"] == "train"]
    assert {"loss", "R", "D"} <= set(logged[-1])
    assert all(math.isfinite(value) for line in logged for value in line.values())

    part = shutil.copytree(whole, workspace.folder / "part")
    for point in (part / "checkpoints").glob("update-*"):
        if point != checkpoint_path(part / "checkpoints", 3):
            shutil.rmtree(point)
    state = json.loads((checkpoint_path(part / "checkpoints", 3) / "state.json").read_text())
    assert set(state["learnt"].get("color", {})) == (set() if name == "given" else {"other", "red"})
    mtsmart.train(workspace.experiment, settings, output_dir=part, resume=True)
    assert (part / "metrics.jsonl").read_text() == (whole / "metrics.jsonl").read_text()


def test_a_resumed_run_keeps_its_balanced_weights(workspace):
    """Also if rows have come since, which the user may allow."""
    colors(workspace, "balanced")
    settings = ["training.max_updates=3", "training.checkpoint_every=2", "smart=off", "mbpp=off"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run").path
    before = json.loads((checkpoint_path(run / "checkpoints", 2) / "state.json").read_text())["learnt"]
    with (workspace.folder / "color_train.jsonl").open("a") as stream:
        stream.write(json.dumps({"text": "a new cat", "label": "red"}) + "\n" * 1)
    shutil.rmtree(checkpoint_path(run / "checkpoints", 3))
    mtsmart.train(workspace.experiment, settings, output_dir=run, resume=True, allow_changes=["rows.color.train"])
    after = json.loads((checkpoint_path(run / "checkpoints", 3) / "state.json").read_text())["learnt"]
    assert after == before


def test_a_split_with_one_label_is_told_and_written_as_null(workspace, recwarn):
    colors(workspace, "balanced", metrics="[auc, label_f1]")
    file = workspace.folder / "color_validation.jsonl"
    file.write_text(file.read_text().replace('"label": "red"', '"label": "other"'))
    settings = ["training.max_updates=2", "smart=off", "mbpp=off", "tasks=[color]"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run")
    assert any("task color: auc is not defined" in str(warning.message) for warning in recwarn)
    for file in [*run.path.glob("*.json*"), *run.path.rglob("state.json")]:
        for line in file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]:
            json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    last = json.loads((run.path / "results.json").read_text())["last"]
    assert last["score"] is None
    assert last["tasks"]["color"]["auc"] is None
    assert {"f1[other]", "f1[red]"} <= set(last["tasks"]["color"])
    assert len(run.load().predict("color", [{"text": "a red cat"}])) == 1  # the last model is kept


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("tasks.color.class_weights=balanced", "tasks.color.class_weights"),
        ("tasks.color.label_smoothing=0.1", "tasks.color.label_smoothing"),
        ("training.label_smoothing=0.1", "training.label_smoothing"),
        ("class_weight=balanced", "class_weight"),
    ],
)
def test_an_option_in_another_place_is_told_where_it_belongs(workspace, where, wrong):
    with pytest.raises(
        mtsmart.errors.ConfigError,
        match=r"unknown key.*under 'options' of the task: options: \{(class_weights|label_smoothing): ",
    ) as error:
        mtsmart.train(workspace.experiment, [where], output_dir=workspace.folder / "run")
    assert wrong in str(error.value)
    assert "mean 'weight'" not in str(error.value)
