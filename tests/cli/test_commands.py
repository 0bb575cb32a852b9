"""The commands as a user types them, on tiny tasks: train, finetune, evaluate, predict, tasks."""

import csv
import importlib.metadata
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

import mtsmart
from mtsmart.cli.app import main
from mtsmart.config.transforms import TRANSFORMS


@pytest.fixture
def run(trained_run):
    return trained_run()


def test_train_writes_the_run(workspace, cli):
    result = cli("train", workspace.experiment, "training.epochs=1")
    assert result.code == 0, result.err
    folder = workspace.folder / "runs" / "tiny"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.yaml",
        "metrics.jsonl",
        "timing.jsonl",
        "results.json",
        "checkpoints",
        "model",
        "README.md",
        ".mtsmart.json",
        ".mtsmart.lock",
    }
    results = json.loads((folder / "results.json").read_text())
    assert set(results["tasks"]) == {"color", "near"}
    assert set(results["tasks"]["color"]) == {"accuracy", "f1"}
    mains = [results["tasks"]["color"]["accuracy"], results["tasks"]["near"]["pearson"]]
    assert results["score"] == pytest.approx(sum(mains) / 2)
    assert results["baselines"]["near"]["pearson"] == 0.0
    assert {"update", "score", "tasks"} == set(results["best"]) == set(results["last"])
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["training"]["epochs"] == 1
    assert config["tasks"]["color"]["labels"] == ["other", "red"]
    for word in ("runs/tiny", "mtsmart evaluate", "mtsmart predict", "mtsmart finetune", "accuracy"):
        assert word in result.out
    card = (folder / "README.md").read_text()
    assert "| color | data files | accuracy |" in card and "SMART: weight 1" in card


def test_what_to_type_next_runs_where_the_shell_does_not_find_mtsmart(workspace, cli, monkeypatch, capsys):
    """The program of the printed command through the shell, and the rest of it in this process."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    module = Path(mtsmart.__file__).with_name("__main__.py")
    monkeypatch.setattr(sys, "argv", [str(module), "train", str(workspace.experiment), "training.max_updates=1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    (line,) = (line.strip() for line in capsys.readouterr().out.splitlines() if " evaluate " in line)
    program, command, arguments = line.partition(" evaluate ")
    asked = subprocess.run(f"{program} --version", shell=True, capture_output=True, text=True, check=False)
    assert asked.stdout.startswith("mtsmart "), asked.stderr
    assert "accuracy" in cli(command.strip(), *shlex.split(arguments)).out


def test_metrics_hold_what_the_design_promises(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    train = [line for line in lines if line["type"] == "train"]
    assert [line["update"] for line in train][:3] == [3, 6, 9]
    assert all({"learning_rate", "gradient_norm", "teacher_distance"} <= set(line) for line in train)
    figures = {name for line in train for name in line["tasks"].get("color", {})}
    assert figures == {"loss", "R", "D", "delta/x", "flips"}
    evaluations = [line for line in lines if line["type"] == "evaluation"]
    assert [line["update"] for line in evaluations] == [12, 24]


def test_default_folders_are_numbered_and_a_taken_one_is_refused(workspace, cli):
    for _ in range(2):
        assert cli("train", workspace.experiment, "training.max_updates=1").code == 0
    assert {path.name for path in (workspace.folder / "runs").iterdir()} == {"tiny", "tiny-2"}
    result = cli("train", workspace.experiment, "-o", "runs/tiny")
    assert result.code == 2
    assert "--output-dir: there already is a run, got 'runs/tiny'. Use --resume" in result.err


def test_evaluate_gives_the_scores_of_training(run, cli):
    best = json.loads((run / "results.json").read_text())
    result = cli("evaluate", run, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out) == {"score": best["score"], "tasks": best["tasks"]}
    one = json.loads(cli("evaluate", run, "--task", "near", "--split", "train", "--json").out)
    assert list(one["tasks"]) == ["near"]
    assert "accuracy" in cli("evaluate", run).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "colour"], "--task: there is no task of this name, got 'colour'. Did you mean 'color'"),
        (["--task", "rte"], r"the run has no head for this task \(it has: color, near\), got 'rte'"),
        (["--split", "test"], "no task of the run has this split, got 'test'. Choose from: train, validation"),
        (["--task", "color", "--split", "test"], "splits.test: the data has no split 'test'"),
    ],
)
def test_evaluate_refusals(run, cli, arguments, message):
    import re

    result = cli("evaluate", run, *arguments)
    assert result.code == 2
    assert re.search(message, result.err), result.err


def read(file, columns):
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    rows = list(csv.reader(text.splitlines(), delimiter="," if file.suffix == ".csv" else "\t"))
    assert rows[0] == columns
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("task", ["color", "near"])
def test_predict_reproduces_evaluate_exactly(workspace, run, cli, task, suffix):
    """From the validation file to predictions to the score, through each output format."""
    from mtsmart.metrics import METRICS

    gold = [json.loads(line) for line in (workspace.folder / f"{task}_validation.jsonl").read_text().splitlines()]
    output = workspace.folder / f"out{suffix}"
    result = cli("predict", run, "--task", task, "--input", f"{task}_validation.jsonl", "--output", output)
    assert result.code == 0, result.err
    own = ["prediction", "p(other)", "p(red)"] if task == "color" else ["prediction"]
    rows = read(output, [*gold[0], *own])
    assert [row[next(iter(gold[0]))] for row in rows] == [row[next(iter(gold[0]))] for row in gold]
    best = json.loads((run / "results.json").read_text())["tasks"][task]
    if task == "color":
        score = METRICS["accuracy"]([row["prediction"] for row in rows], [row["label"] for row in gold])
        assert score == best["accuracy"]
        assert all(abs(float(row["p(other)"]) + float(row["p(red)"]) - 1) < 1e-12 for row in rows)
    else:
        score = METRICS["pearson"]([float(row["prediction"]) for row in rows], [row["score"] for row in gold])
        assert score == best["pearson"]


def test_predict_prints_json_lines_without_an_output(workspace, run, cli):
    (workspace.folder / "in.csv").write_text("text\na red cat\nthe dog\n")
    rows = [json.loads(line) for line in cli("predict", run, "-t", "color", "-i", "in.csv").out.splitlines()]
    assert [row["text"] for row in rows] == ["a red cat", "the dog"]
    assert all(row["prediction"] in ("other", "red") for row in rows)


@pytest.mark.parametrize(
    ("content", "output", "message"),
    [
        ("txt\nx\n", None, "in.csv: text: there is no such column. Did you mean 'txt'"),
        ("text,prediction\nx,y\n", None, "already has a column of this name"),
        ("text\nx\n", "out.xml", "--output: unknown output format, got 'out.xml'"),
        ("text\nx\n", "gone/out.csv", "--output: there is no such folder, got 'gone'"),
        ("text\nx\n", "experiment.yaml/o.csv", "--output: cannot be written: experiment.yaml is a file, not a folder"),
        (
            "text\nx\n",
            "experiment.yaml/y/o.csv",
            "--output: cannot be written: experiment.yaml is a file, not a folder",
        ),
    ],
)
def test_predict_refusals_write_nothing(workspace, run, cli, content, output, message):
    (workspace.folder / "in.csv").write_text(content)
    before = sorted(workspace.folder.iterdir())
    result = cli("predict", run, "-t", "color", "-i", "in.csv", *(["--output", output] if output else []))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert sorted(workspace.folder.iterdir()) == before


def test_finetune_starts_from_the_runs_encoder_and_head(workspace, run, cli):
    import torch
    from safetensors.torch import load_file

    # One update at learning rate 0 (warm-up starts there): the model is still the run's.
    result = cli("finetune", run, "--task", "color", "training.max_updates=1", "-o", "tuned")
    assert result.code == 0, result.err
    for part in ("encoder/model.safetensors", "heads/color.safetensors"):
        old, new = load_file(run / "model" / part), load_file(workspace.folder / "tuned" / "model" / part)
        assert all(torch.equal(old[key], new[key]) for key in old)
    assert not (workspace.folder / "tuned" / "model" / "heads" / "near.safetensors").exists()
    fresh = cli("finetune", run, "--task", "color", "training.max_updates=1", "head=fresh", "-o", "fresh")
    assert fresh.code == 0, fresh.err
    head = "model/heads/color.safetensors"
    old, new = load_file(run / head), load_file(workspace.folder / "fresh" / head)
    assert any(not torch.equal(old[key], new[key]) for key in old)
    config = yaml.safe_load((workspace.folder / "tuned" / "config.yaml").read_text())
    assert (config["name"], list(config["tasks"])) == ("tiny-color", ["color"])


def test_finetune_on_an_unseen_task_from_its_yaml(workspace, run, cli):
    (workspace.folder / "new.yaml").write_text(
        "fresh_task:\n  task_type: classification\n"
        "  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}\n"
        "  text: [text]\n  labels: [red, other]\n"
    )
    result = cli("finetune", run, "--task", "new.yaml", "training.max_updates=1")
    assert result.code == 0, result.err
    assert (workspace.folder / "runs" / "tiny-fresh_task" / "model" / "heads" / "fresh_task.safetensors").exists()
    unknown = cli("finetune", run, "--task", "colour")
    assert unknown.code == 2
    told = "--task: neither the run nor the library has this task, got 'colour'. Did you mean 'color'?"
    assert unknown.err == f"mtsmart: {told}\n"


def test_finetune_takes_the_definition_of_the_file_it_is_given(workspace, run, cli):
    """The run has a task of this name too; and its head is kept only where it fits."""
    text = (
        "color:\n  task_type: classification\n"
        "  dataset: {files: {train: color_validation.jsonl, validation: color_validation.jsonl}}\n"
        "  text: [text]\n  labels: [other, red]\n"
    )
    (workspace.folder / "mine.yaml").write_text(text)
    result = cli("finetune", run, "--task", "mine.yaml", "training.max_updates=1")
    assert result.code == 0, result.err
    assert "rows: color 16" in result.out
    (workspace.folder / "mine.yaml").write_text(text.replace("[other, red]", "[red, other]"))
    refused = cli("finetune", run, "--task", "mine.yaml", "training.max_updates=1")
    assert refused.code == 2
    assert "the run's head for 'color' has other labels or another form" in refused.err
    assert cli("finetune", run, "--task", "mine.yaml", "training.max_updates=1", "head=fresh").code == 0


def test_a_task_that_is_not_scored_is_named(workspace, cli):
    workspace.tasks.write_text(workspace.tasks.read_text().replace(", validation: color_validation.jsonl", ""))
    result = cli("train", workspace.experiment, "training.max_updates=1")
    assert "color has no validation split; it is not scored" in result.out
    wrong = cli("train", workspace.experiment, "tasks.color.splits.validation=dev")
    assert wrong.code == 2
    assert "splits.validation: the data has no split 'dev'" in wrong.err


def test_tasks_list_show_check(workspace, cli):
    listed = cli("tasks", "list", "--task-file", "tiny_tasks.yaml").out
    assert all(name in listed for name in ("rte", "hans", "quick_entail", "color"))
    shown = yaml.safe_load(cli("tasks", "show", "rte").out)
    assert shown["rte"]["labels"] == ["entailment", "not_entailment"]
    assert "Did you mean 'rte'" in cli("tasks", "show", "rtee").err
    assert "task definitions are valid" in cli("tasks", "check").out


def test_the_version_is_that_of_the_installed_package(cli):
    told = cli("--version")
    assert (told.code, told.out) == (0, f"mtsmart {importlib.metadata.version('mtsmart')}\n")


def test_help_comes_in_under_a_second():
    """In one of three trials: the claim is about the program, not about what else the machine does."""
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "mtsmart", "--help"], capture_output=True, text=True, check=True)
        took = time.perf_counter() - started
        if took < 1.0:
            break
    assert "finetune" in done.stdout
    assert took < 1.0


def test_python_is_as_short(workspace):
    """The README's Python example, on tiny tasks."""
    tasks = mtsmart.load_tasks("tiny_tasks.yaml")
    assert tasks["color"].labels == ["other", "red"]
    run = mtsmart.train("experiment.yaml", ["training.max_updates=2"])
    rows = run.load().predict("near", [{"a": "the cat", "b": "a cat"}, {"a": "red", "b": "blue"}])
    assert [set(row) for row in rows] == [{"prediction"}] * 2


def test_incomplete_rows_are_counted_where_they_are_dropped(workspace, cli):
    file = workspace.folder / "color_train.jsonl"
    file.write_text(file.read_text() + '{"text": "", "label": "red"}\n{"text": "a cat", "label": null}\n')
    refused = cli("train", workspace.experiment)
    assert refused.code == 2
    assert "color_train.jsonl): text: 2 of 46 rows lack a text or label, the first is row 45, got ''" in refused.err
    dropped = cli("train", workspace.experiment, "tasks.color.missing=drop", "training.max_updates=1")
    assert "color (train): 2 rows without a text or label were dropped" in dropped.out


def test_a_run_may_be_moved(workspace, run, cli, tmp_path_factory, monkeypatch):
    """The folder is found wherever it is, from any working directory, data files included."""
    import shutil

    before = json.loads((run / "results.json").read_text())
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.move(run, elsewhere / "moved")
    monkeypatch.chdir(elsewhere)
    result = cli("evaluate", "moved", "--json")
    assert json.loads(result.out)["score"] == before["score"]
    assert cli("finetune", "moved", "--task", "near", "training.max_updates=1").code == 0


def test_task_types_tell_what_they_take(cli):
    listed = cli("tasks", "types").out.splitlines()
    assert "regression" in {line.split()[0] for line in listed}
    told = cli("tasks", "types", "classification").out
    assert "symmetric_kl: KL(p || q)" in told and "mcc: Matthews" in told
    assert "null: 2 (default null)" in told and "(default false)" in told and "(default 0.0)" in told
    refused = cli("tasks", "types", "clasification")
    assert refused.code == 2 and "Did you mean 'classification'" in refused.err


@pytest.mark.parametrize("name", TRANSFORMS)
def test_methods_explains_each_transform_of_the_encoder(cli, name):
    shown = cli("methods", name)
    assert shown.code == 0 and shown.out.startswith(f"encoder.{name}:") and f"(encoder: {{{name}: " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_methods_names_the_nearest_method(cli):
    assert (
        "there is no method of this name, got 'layer_deca'. Did you mean 'layer_decay'?"
        in cli("methods", "layer_deca").err
    )
    assert "'mtsmart methods' lists them" in cli("methods", "nothing_like_it").err
