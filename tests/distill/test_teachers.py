"""Distillation as a user meets it: a teacher run, a student of it, its files."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.distill.term import TEACHER
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.training.setup import prepare
from tests.conftest import SHORT, sentences, write_jsonl
from tests.distill.students import BOTH, DISTILL, adapted, batch_of, files, of_student, same_model
from tests.training.test_resume import StopAt


def test_train_evaluate_and_predict_on_the_command_line(workspace, teacher, cli):
    done = cli("train", workspace.experiment, *BOTH, "encoder.layers=1", "training.epochs=1", "-o", "student")
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in (workspace.folder / "student" / "metrics.jsonl").read_text().splitlines()]
    figures = [item for line in lines if line["type"] == "train" for item in line["tasks"].items()]
    assert figures and all(figure["KD"] > 0 for _, figure in figures)
    assert {task for task, figure in figures if "D" in figure} == {"color"}  # the task that has MBPP's term
    shutil.rmtree(teacher)  # a trained student does not need it
    shown = cli("evaluate", "student", "--json")
    assert shown.code == 0, shown.err
    assert set(json.loads(shown.out)["tasks"]) == {"color", "near"}
    (workspace.folder / "new.jsonl").write_text('{"text": "a red dog"}\n')
    assert cli("predict", "student", "--task", "color", "--input", "new.jsonl").code == 0
    done = cli("finetune", "student", "--task", "color", "training.max_updates=2", "-o", "tuned")
    assert done.code == 0, done.err


def test_batches_hold_the_teachers_logits_for_their_rows(workspace, teacher):
    setup, run = prepare(load_experiment(workspace.experiment)), LoadedRun(teacher)
    rows = [7, 0, 43, 12]
    target = batch_of(setup, "color", rows).targets["teacher"]
    expected = adapted(run, setup, "color", rows)
    torch.testing.assert_close(torch.softmax(target / 2, -1), torch.softmax(expected / 2, -1), atol=1e-5, rtol=1e-5)
    near = batch_of(setup, "near", rows).targets["teacher"]
    torch.testing.assert_close(near, adapted(run, setup, "near", rows), atol=1e-5, rtol=1e-5)
    assert float(near.std()) > 0


def test_an_ensemble_is_the_mean_of_its_teachers(workspace, teacher, scored):
    plain = workspace.experiment.read_text().replace(DISTILL, "")
    other = workspace.folder / "other.yaml"
    other.write_text(plain)
    second = mtsmart.train(other, ["training.seed=6", *SHORT], output_dir=workspace.folder / "second").path
    setup = prepare(load_experiment(workspace.experiment, [f"distill.teachers=[{teacher}, {second}]"]))
    assert scored == [("teacher", "color"), ("teacher", "near"), ("second", "color"), ("second", "near")]
    rows = [3, 30, 9]
    color, near = (
        [adapted(LoadedRun(run), setup, task, rows) for run in (teacher, second)] for task in ("color", "near")
    )
    target = batch_of(setup, "color", rows).targets["teacher"]
    mean = sum(torch.softmax(each / 2, -1) for each in color) / 2
    torch.testing.assert_close(torch.softmax(target / 2, -1), mean, atol=1e-5, rtol=1e-5)
    target = batch_of(setup, "near", rows).targets["teacher"]
    torch.testing.assert_close(target, sum(near) / 2, atol=1e-5, rtol=1e-5)


def test_labels_are_matched_by_name(workspace, teacher):
    before = batch_of(prepare(load_experiment(workspace.experiment)), "color", [0, 1, 2]).targets
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[other, red]", "[red, other]"))
    after = batch_of(prepare(load_experiment(workspace.experiment)), "color", [0, 1, 2]).targets
    assert torch.equal(after["labels"], 1 - before["labels"])
    torch.testing.assert_close(after["teacher"], before["teacher"].flip(-1), atol=1e-5, rtol=1e-5)


def test_a_teacher_runs_once(workspace, teacher, scored):
    prepare(load_experiment(workspace.experiment))
    assert scored == [("teacher", "color"), ("teacher", "near")]
    stored = files()
    prepare(load_experiment(workspace.experiment, ["distill.temperature=5", "distill.weight=0.9", "encoder.layers=1"]))
    assert len(scored) == 2  # neither the temperature nor the student changes what the teacher says

    (teacher / "model" / "manifest.json").unlink()  # the changes are ours
    weights = teacher / "model" / "heads" / "color.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights)
    prepare(load_experiment(workspace.experiment))
    assert scored[2:] == [("teacher", "color")]

    weights = teacher / "model" / "encoder" / "model.safetensors"
    save_file({name: tensor * 1.1 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    prepare(load_experiment(workspace.experiment))
    assert scored[3:] == [("teacher", "color"), ("teacher", "near")]

    rows = (workspace.folder / "near_train.jsonl").read_text().splitlines(keepends=True)
    (workspace.folder / "near_train.jsonl").write_text("".join(reversed(rows)))
    prepare(load_experiment(workspace.experiment))
    assert scored[5:] == [("teacher", "near")]
    assert len(files()) == len(stored) + 4


def test_a_damaged_file_is_written_anew(workspace, teacher, scored):
    first = batch_of(prepare(load_experiment(workspace.experiment)), "near", [0, 5]).targets["teacher"]
    for file in files():
        file.write_bytes(file.read_bytes()[:100])
    again = batch_of(prepare(load_experiment(workspace.experiment)), "near", [0, 5]).targets["teacher"]
    assert len(scored) == 4
    assert torch.equal(first, again)


def test_the_run_is_the_same_whether_the_teacher_ran_or_its_file_was_found(workspace, teacher, scored):
    short = ["training.max_updates=4", "training.log_every=1"]
    runs = [
        mtsmart.train(workspace.experiment, short, output_dir=workspace.folder / name).path for name in ("one", "two")
    ]
    assert len(scored) == 2
    assert (runs[0] / "metrics.jsonl").read_bytes() == (runs[1] / "metrics.jsonl").read_bytes()
    assert same_model(*runs)


def test_weight_zero_is_plain_training_bit_by_bit(workspace, teacher, scored):
    short = ["training.max_updates=4", "training.log_every=1"]
    zero = mtsmart.train(workspace.experiment, [*short, "distill.weight=0"], output_dir=workspace.folder / "zero").path
    plain = mtsmart.train(workspace.experiment, [*short, "distill=null"], output_dir=workspace.folder / "plain").path
    assert not scored
    assert (zero / "metrics.jsonl").read_bytes() == (plain / "metrics.jsonl").read_bytes()
    assert same_model(zero, plain)
    half = mtsmart.train(workspace.experiment, short, output_dir=workspace.folder / "half").path
    assert not same_model(half, plain)


def test_tasks_without_teachers_train_as_before(workspace, teacher, scored):
    setup = prepare(load_experiment(workspace.experiment, ["distill.tasks=[near]"]))
    assert scored == [("teacher", "near")]
    assert "teacher" not in batch_of(setup, "color", [0, 1]).targets
    assert "teacher" in batch_of(setup, "near", [0, 1]).targets


def test_resume_is_bitwise_exact(workspace, teacher, scored):
    whole = mtsmart.train(workspace.experiment, BOTH, output_dir=workspace.folder / "whole").path
    folder = workspace.folder / "stopped"
    for stop in (2, 5):
        with pytest.raises(KeyboardInterrupt):
            mtsmart.train(workspace.experiment, BOTH, output_dir=folder, resume=folder.exists(), callback=StopAt(stop))
        torch.manual_seed(999)
    mtsmart.train(workspace.experiment, BOTH, output_dir=folder, resume=True)
    assert len(scored) == 2
    assert (whole / "metrics.jsonl").read_bytes() == (folder / "metrics.jsonl").read_bytes()
    assert same_model(whole, folder)
    last = list_checkpoints(whole / "checkpoints")[-1].name
    for name in ("model", "optimizer", "random", "distill"):
        one, other = (load_file(run / "checkpoints" / last / f"{name}.safetensors") for run in (whole, folder))
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one), name


def test_teachers_are_relative_to_the_file_that_names_them(workspace):
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    config = load_experiment(workspace.experiment).config
    assert config.parts["distill"].teachers == [str(workspace.folder / "teacher")]
    config = load_experiment(workspace.experiment, ["distill.teachers=[runs/x]"]).config
    assert config.parts["distill"].teachers == [str(workspace.folder / "runs" / "x")]


def test_an_ordinal_student_learns_the_mean_of_each_step(workspace, monkeypatch):
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    rows = [{"text": text, "label": ["low", "mid", "high"][index % 3]} for index, text in enumerate(sentences(12))]
    write_jsonl(workspace.folder / "o.jsonl", rows)
    files = "{files: {train: o.jsonl, validation: o.jsonl}}"
    (workspace.folder / "o.yaml").write_text(
        f"size: {{task_type: ordinal, dataset: {files}, text: [text], labels: [low, mid, high]}}\n"
    )
    common = ["task_files=[o.yaml]", "tasks=[size]", "smart=off", "mbpp=off", "training.epochs=1"]
    for seed in (1, 2):
        mtsmart.train(workspace.experiment, [*common, f"training.seed={seed}"], output_dir=f"t{seed}")
    student = ["distill.teachers=[t1, t2]", "distill.temperature=2.0"]
    setup = prepare(load_experiment(workspace.experiment, [*common, *student]))
    chosen = [3, 0, 7]
    target = batch_of(setup, "size", chosen).targets["teacher"]
    each = [adapted(LoadedRun(f"t{seed}"), setup, "size", chosen) for seed in (1, 2)]
    mean = torch.stack([torch.sigmoid(logits / 2) for logits in each]).mean(0)
    torch.testing.assert_close(torch.sigmoid(target / 2), mean, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("who", ["teacher", "student"])
def test_each_reads_long_texts_in_its_own_way(workspace, teacher, who):
    """One of them reads windows, the other cuts; the rows of logits are those of the teacher's own reading."""
    windows = ["tasks.color.options={windows: {pooling: attention}}", "data.max_length=8"]
    cut = ["tasks.color.options={}", "data.max_length=8"]
    plain = workspace.experiment.read_text().replace(DISTILL, "")
    workspace.experiment.with_name("plain.yaml").write_text(plain)
    taught = mtsmart.train("plain.yaml", [*SHORT, *(windows if who == "teacher" else cut)], output_dir="taught")
    settings = [*(cut if who == "teacher" else windows), "distill.teachers=[taught]", "distill.tasks=[color]"]
    setup = prepare(load_experiment(workspace.experiment, settings))
    rows = list(range(8))
    ours = batch_of(setup, "color", rows).targets[TEACHER]
    columns = [json.loads(line) for line in (workspace.folder / "color_train.jsonl").open()][:8]
    expected = [one["p(red)"] for one in taught.load().predict("color", columns)]
    assert torch.softmax(ours, -1)[:, 1].tolist() == pytest.approx(expected, abs=1e-5)
