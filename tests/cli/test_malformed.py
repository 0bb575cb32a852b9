"""Malformed files and flags: exit code 2, one clear line that names the place, and nothing written."""

import pytest

TASK = """
color:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
  metrics: [accuracy]
"""


def replaced(old, new, text=TASK):
    assert old in text
    return text.replace(old, new)


# name -> (task file, part of the one message)
TASK_FILES = {
    "unknown key": (replaced("metrics:", "metric:"), r"t.yaml:7: color.metric: unknown key. Did you mean 'metrics'\?"),
    "unknown task type": (replaced("classification", "clasification"), "t.yaml:3: color.task_type: there is no such task type, got 'clasification'. Did you mean 'classification'"),
    "missing task type": (replaced("  task_type: classification\n", ""), "color.task_type: is required but missing"),
    "missing dataset": (TASK.replace("  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}\n", ""), "color.dataset: is required"),
    "wrong type": (replaced("metrics: [accuracy]", "max_length: long"), "t.yaml:7: color.max_length: should be a whole number, got 'long'"),
    "boolean for a number": (replaced("metrics: [accuracy]", "weight: true"), "color.weight: should be a number, got true"),
    "number out of range": (replaced("metrics: [accuracy]", "weight: -1"), "color.weight: should be greater than 0, got -1"),
    "duplicate key": (TASK + "  text: [text]\n", r"t.yaml:8: text: is given twice \(first on line 5\)"),
    "duplicate task": (TASK + TASK, r"t.yaml:9: color: is given twice \(first on line 2\)"),
    "name of a shipped task": (replaced("color:", "rte:"), "t.yaml:2: rte: a task of this name is already defined in .*glue.yaml"),
    "duplicate label": (replaced("[other, red]", "[red, red]"), "t.yaml:6: color.labels.1: label 'red' is listed twice"),
    "one label": (replaced("[other, red]", "[red]"), "color.labels: .*at least 2"),
    "labels that are lists": (replaced("[other, red]", "[[0], [1]]"), r"color.labels.0: should be text, got \[0\]"),
    "no labels": (replaced("  labels: [other, red]\n", ""), r"t.yaml:\d+: color.labels: is required for task type 'classification'"),
    "label not in the data": (replaced("[other, red]", "[other, blue]"), r"task color, split train \(.*color_train.jsonl\), row \d+: label: is not one of the task's labels, got 'red'"),
    "unknown metric": (replaced("[accuracy]", "[acuracy]"), "t.yaml:7: color.metrics: .*got 'acuracy'. Did you mean 'accuracy'"),
    "metric of another type": (replaced("[accuracy]", "[pearson]"), "color.metrics: does not go with task type 'classification', got 'pearson'"),
    "unknown loss": (TASK + "  loss: crossentropy\n", "t.yaml:8: color.loss: .*got 'crossentropy'. Did you mean 'cross_entropy'"),
    "unknown divergence": (TASK + "  adv_loss: symmetric\n", "color.adv_loss: .*Did you mean 'symmetric_kl'"),
    "unknown teacher divergence": (TASK + "  kd_loss: mse\n", "color.kd_loss: .*got 'mse'"),
    "unknown head": (TASK + "  head: {type: san}\n", "t.yaml:8: color.head.type: .*got 'san'"),
    "pooling with san": (replaced("[text]", "[text, b]") + "  head: {type: san, pooling: mean}\n", "t.yaml:8: color.head.pooling: does not go with head type 'san', got 'mean'"),
    "unknown head key": (TASK + "  head: {droput: 0.1}\n", r"t.yaml:8: color.head.droput: unknown key. Did you mean 'dropout'\?"),
    "unknown smart key": (TASK + "  smart: {epsilom: 1}\n", "color.smart.epsilom: unknown key. Did you mean 'epsilon'"),
    "three texts": (replaced("[text]", "[text, a, b]"), r"color.text: should have at most 2 items, got \['text', 'a', 'b'\]"),
    "no list": (replaced("[other, red]", "red"), r"color.labels: should be a list: \[one, another\], got 'red'"),
    "no inner mapping": (TASK + "  head: [1]\n", r"color.head: should be a mapping: \{key: value\}, got \[1\]"),
    "no such text column": (replaced("[text]", "[txet]"), r"task color, split train \(.*\): txet: there is no such column. Did you mean 'text'"),
    "no such label column": (TASK + "  label: lable\n", "label: the data has no such label column, got 'lable'"),
    "no such file": (replaced("color_train.jsonl", "gone.jsonl"), "gone.jsonl: there is no such file"),
    "unknown file format": (replaced("color_train.jsonl", "color_train.txt"), "unknown kind of data file, got '.txt'"),
    "hub and files at once": (replaced("{files:", "{path: x/y, files:"), "color.dataset: give either 'path'"),
    "no train split": (replaced("train: color_train.jsonl, ", ""), "t.yaml:2: color.splits.train: the data has no split 'train'. .*validation"),
    "bad slice": (TASK + "  splits: {train: 'train[:x%]'}\n", "t.yaml:8: color.splits.train: is not a split with an optional slice"),
    "empty slice": (TASK + "  splits: {train: 'train[5:5]'}\n", r"t.yaml:8: color.splits.train: selects no rows, got 'train\[5:5\]'"),
    "a slice of endless parts": (TASK + f"  splits: {{train: 'train{'+train' * 3000}'}}\n", r"t.yaml:8: color.splits.train: adds 3,001 parts, where 100 are the most"),
    "unknown split": (TASK + "  splits: {validation: dev}\n  evaluation_only: true\n", "color: 'evaluation_only' needs 'share_head'"),
    "form of a shared head": (TASK + "  share_head: mnli\n  head: {dropout: 0.1}\n", "t.yaml:2: color: 'head' is for a head of the task's own; this one uses that of 'mnli'"),
    "rate of a shared head": (TASK + "  share_head: mnli\n  learning_rate_factor: 2\n", "t.yaml:2: color: 'learning_rate_factor' is for a head of the task's own; this one uses that of 'mnli'"),
    "shared head of nobody": (TASK + "  share_head: mnli\n", "shares the head of 'mnli', which is not among the tasks"),
    "not a mapping": ("- color\n", "t.yaml:1: must be a mapping"),
    "a name that no file can have": (replaced("color:", "c" * 300 + ":"), "t.yaml:2: c{300}: is a name of 300 bytes in UTF-8, where 200 are the most"),
    "a name of letters of several bytes": (replaced("color:", "\u732b" * 100 + ":"), "is a name of 300 bytes in UTF-8"),
    "a name of a device": (replaced("color:", "aux:"), "t.yaml:2: aux: is a name that Windows reserves for a device"),
    "two names in one": (TASK + TASK.replace("color:", "Color:"), "Color: is the name 'color' in other letters, and many file systems take the two for one"),
    "task is no mapping": ("color: red\n", "t.yaml:1: color: must be a mapping"),
    "bad task name": (replaced("color:", "../color:"), "is no name, because a name consists of letters"),
    "tag": (replaced("[text]", "!!python/name:os.system x"), "is not allowed"),
    "tabs": (TASK + "\thead: {}\n", "t.yaml:8: is not valid YAML"),
    "empty file": ("", "t.yaml: is empty"),
}  # fmt: skip

# name -> (what replaces the experiment's text or is added to it, part of the one message)
EXPERIMENTS = {
    "unknown section": ("trainig: {epochs: 1}\n", r"e.yaml:\d+: trainig: unknown key. Did you mean 'training'\?"),
    "unknown knob": ("optimizer: {lerning_rate: 1}\n", "optimizer.lerning_rate: unknown key. Did you mean 'learning_rate'"),
    "bad choice": ("mixing: {strategy: annealling}\n", "mixing.strategy: is not one of the choices, got 'annealling'. Did you mean 'annealed'"),
    "bad preset": ("smart: papper\n", "smart: is not one of the choices, got 'papper'. Did you mean 'paper'"),
    "text for a number": ("training: {epochs: three}\n", "training.epochs: should be a whole number, got 'three'"),
    "fraction for a count": ("training: {batch_size: 1.5}\n", "training.batch_size: should be a whole number"),
    "not a number": ("optimizer: {learning_rate: .nan}\n", "optimizer.learning_rate: .*finite"),
    "zero epochs": ("training: {epochs: 0}\n", "training.epochs: should be greater than or equal to 1, got 0"),
    "weights without strategy": ("mixing: {weights: {color: 1}}\n", "mixing.weights: only the strategy 'weights' uses it, and the strategy is 'proportional'"),
    "weights of other tasks": ("mixing: {strategy: weights, weights: {colour: 1.0}}\n", r"e.yaml:\d+: mixing.weights: .*'colour'. Did you mean 'color'|no weight for task 'color'"),
    "unknown base": ("extends: gone.yaml\n", r"e.yaml:\d+: extends: there is no such file, got 'gone.yaml'"),
    "extends itself": ("extends: e.yaml\n", "extends: extends itself"),
    "bad hash": ("encoder: {path: x, sha256: abc}\n", "encoder.sha256: "),
    "run that is none": ("encoder: {path: null}\ninit: {run: gone}\n", r"e.yaml:\d+: init.run: is not the folder of a run .*gone'. Train that run first"),
    "run and encoder": ("init: {run: gone}\n", "encoder.path: the encoder comes from init.run, so this key must be left out"),
}  # fmt: skip


def assert_refused(result, message, folder, before):
    import re

    assert result.code == 2, result
    assert "Traceback" not in result.err
    lines = result.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("mtsmart: "), result.err
    assert re.search(message, lines[0]), lines[0]
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("name", list(TASK_FILES))
def test_task_file(workspace, cli, name):
    text, message = TASK_FILES[name]
    (workspace.folder / "t.yaml").write_text(text)
    before = sorted(path.name for path in workspace.folder.iterdir())
    task = "rte" if "rte:" in text else "color"
    result = cli("train", workspace.experiment, "task_files=[t.yaml]", f"tasks=[{task}]")
    assert_refused(result, message, workspace.folder, before)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_experiment_file(workspace, cli, name):
    text, message = EXPERIMENTS[name]
    keep = [
        line for line in workspace.experiment.read_text().splitlines() if not line.startswith(text.split(":")[0] + ":")
    ]
    (workspace.folder / "e.yaml").write_text(
        "\n".join(["tasks: [color]" if k.startswith("tasks") else k for k in keep]) + "\n" + text
    )
    before = sorted(path.name for path in workspace.folder.iterdir())
    result = cli("train", "e.yaml")
    assert_refused(result, message, workspace.folder, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["experiment.yaml", "training.epoch=2"], "command line: training.epoch: unknown key. Did you mean 'epochs'"),
        (["experiment.yaml", "training.epochs"], "command line: is not of the form key=value, got 'training.epochs'"),
        (["experiment.yaml", "training.epochs=[1"], "command line.*is not valid YAML"),
        (["experiment.yaml", "training=3"], "command line: training: .*got 3"),
        (
            ["experiment.yaml", "tasks=[colour]"],
            "command line: tasks.colour: there is no task, suite or match.*Did you mean 'color'",
        ),
        (["experiment.yaml", "tasks=[color, color]"], "names a task twice, got 'color'"),
        (["experiment.yaml", "tasks=[]"], "tasks: .*at least 1"),
        (["experiment.yaml", "encoder.path=./gone"], "encoder.path: there is no such folder"),
        (["experiment.yaml", "encoder.path=pkg://nothing/x"], "no installed package 'nothing'"),
        (["experiment.yaml", "task_files=[gone.yaml]"], "gone.yaml: cannot be read: No such file"),
        (
            ["experiment.yaml", "-o", "color_train.jsonl"],
            "--output-dir: cannot be written: .*color_train.jsonl is a file, not a folder, got",
        ),
        (["experimant.yaml"], "there is no such experiment file, got 'experimant.yaml'"),
        (["quickstrat"], "Did you mean 'quickstart'"),
    ],
)
def test_flags(workspace, cli, arguments, message):
    before = sorted(path.name for path in workspace.folder.iterdir())
    assert_refused(cli("train", *arguments), message, workspace.folder, before)


def test_check_lists_every_broken_definition(workspace, cli):
    (workspace.folder / "t.yaml").write_text(
        TASK.replace("classification", "nonsense") + TASK.replace("color:", "paint:").replace("accuracy", "acc")
    )
    result = cli("tasks", "check", "t.yaml")
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 2
    assert cli("tasks", "check", "tiny_tasks.yaml").out == "2 task definitions are valid.\n"


@pytest.mark.parametrize(
    ("kind", "head", "message"),
    [
        ("tagging", "{pooling: mean}", "head.pooling: does not go with token_classification, which keeps every token"),
        ("span", "{type: san}", "head.type: is for pairs of texts and does not go with question_answering"),
        ("ranking", "{type: san}", "head.type: is for pairs of texts and does not go with multiple_choice"),
        ("classification", "{type: san, pooling: mean}", "head.pooling: does not go with head type 'san', got 'mean'"),
        ("classification", "{type: san, layers: 0}", "head.layers: must be at least 1"),
    ],
)
def test_check_refuses_heads_that_do_not_fit(workspace, cli, kind, head, message):
    more = {"ranking": "  options: {group: id}\n", "span": "", "tagging": ""}.get(kind, "")
    text, label = ("[words]", "tags") if kind == "tagging" else ("[a, b]", "label")
    labels = "" if kind in ("span", "ranking") else "  labels: [O, B-x]\n"
    (workspace.folder / "t.yaml").write_text(
        f"mine:\n  task_type: {kind}\n  dataset: {{files: {{train: x.jsonl}}}}\n  text: {text}\n  label: {label}\n"
        f"  head: {head}\n{labels}{more}"
    )
    result = cli("tasks", "check", "t.yaml")
    assert result.code == 2
    assert f"t.yaml:6: mine.{message}" in result.err


@pytest.mark.parametrize("path", ["color_train.jsonl", "./gone.csv", "a/b/train.TSV.gz", "~/train.txt"])
@pytest.mark.parametrize("command", [["tasks", "check", "t.yaml"], ["train", "e.yaml"]])
def test_a_data_file_is_no_data_set_on_the_hub(workspace, cli, path, command):
    (workspace.folder / "t.yaml").write_text(
        f"mine:\n  task_type: classification\n  dataset:\n    path: {path}\n  text: [text]\n  labels: [other, red]\n"
    )
    (workspace.folder / "e.yaml").write_text("tasks: [mine]\ntask_files: [t.yaml]\nencoder: {path: e}\n")
    before = sorted(path.name for path in workspace.folder.iterdir())
    told = rf"t\.yaml:4: mine\.dataset\.path: '{path}' is a data file: write files: {{train: {path}}}$"
    assert_refused(cli(*command), told, workspace.folder, before)


def test_check_says_whose_rows_it_has_not_read(workspace, cli):
    (workspace.folder / "t.yaml").write_text(
        "mine:\n  task_type: classification\n  dataset: {path: owner/data.csv}\n  text: [text]\n  labels: [a, b]\n"
    )
    result = cli("tasks", "check", "t.yaml", "tiny_tasks.yaml")
    assert (result.code, result.err) == (0, "")
    told = "The rows of mine were not read, because they come from a data set on the Hub.\n"
    assert result.out == f"3 task definitions are valid.\n{told}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("color_trian.jsonl", "Did you mean 'color_train.jsonl'?"),
        ("$DATA/x.csv", "Environment variables are not expanded here"),
        ("data\\\\train.csv", "Write / between folders and files"),
        ("https://example.org/x.csv", "Files are not fetched from addresses, so download it first"),
        ("gone/train.csv", "There is no folder "),
        ("gone/*.csv", "no file matches this pattern. There is no folder "),
    ],
)
@pytest.mark.parametrize("command", [["tasks", "check", "t.yaml"], ["train", "e.yaml"]])
def test_a_missing_data_file_is_told_with_its_line(workspace, cli, path, told, command):
    (workspace.folder / "t.yaml").write_text(
        f'mine:\n  task_type: classification\n  dataset:\n    files:\n      train: "{path}"\n'
        "  text: [text]\n  labels: [other, red]\n"
    )
    encoder = next(line for line in workspace.experiment.read_text().splitlines() if line.startswith("encoder"))
    (workspace.folder / "e.yaml").write_text(f"tasks: [mine]\ntask_files: [t.yaml]\n{encoder}\n")
    before = sorted(path.name for path in workspace.folder.iterdir())
    place = r"t\.yaml:5: mine\.dataset\.files\.train: .*: (there is no such file|no file matches this pattern)\. .*"
    assert_refused(cli(*command), place, workspace.folder, before)
    assert told in cli(*command).err


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ("[tiny_tasks.yaml, tiny_task.yaml]", r"e\.yaml:2: task_files\.1: .*Did you mean 'tiny_tasks\.yaml'"),
        ("'*.yaml'", r"e\.yaml:2: task_files: .*Patterns are not expanded here, so name each file, or their folder"),
        ("$X/t.yaml", r"e\.yaml:2: task_files: .*Environment variables are not expanded here"),
    ],
)
def test_a_missing_task_file_is_told_with_the_line_of_the_experiment(workspace, cli, files, told):
    (workspace.folder / "e.yaml").write_text(f"tasks: [color]\ntask_files: {files}\nencoder: {{path: ./gone}}\n")
    before = sorted(path.name for path in workspace.folder.iterdir())
    assert_refused(cli("train", "e.yaml"), told, workspace.folder, before)


SMALLER = {
    "a share of the training rows": (
        TASK + "  splits: {validation: 20%}\n",
        r"t.yaml:8: color.splits.validation: .* To draw 20% of the training rows for it, write dataset: {holdout: 20%}",
    ),
    "a share of the rows to train on": (
        TASK + "  splits: {train: 80%}\n",
        r"t.yaml:8: color.splits.train: .* To train on the first 80% of the rows, write train\[:80%\]",
    ),
    "labels of numbers": (
        replaced("  metrics: [accuracy]\n", "", replaced("classification", "regression")),
        "t.yaml:6: color.labels: does not go with task type 'regression'. Leave 'labels' out",
    ),
    "a tab in single quotes": (
        replaced("{files:", "{delimiter: '\\t', files:"),
        "t.yaml:4: color.dataset.delimiter: is a backslash and a t between single quotes, or none: write tab",
    ),
    "a file without a header": (
        replaced("color_train.jsonl", "bare.csv"),
        r"text: there is no such column.*If the file has no header, .*: dataset: {columns: \[text, label, ...\]}",
    ),
    "several labels in one text": (
        replaced("color_train.jsonl", "several.csv"),
        r"row 2: label: is not one .* 'other;red'. Rows with several labels are for task_type: multi_label, options: .*;",
    ),
}


@pytest.mark.parametrize("name", list(SMALLER))
def test_what_else_is_told_with_what_to_write(workspace, cli, name):
    text, message = SMALLER[name]
    (workspace.folder / "t.yaml").write_text(text)
    (workspace.folder / "bare.csv").write_text("red,red dog\nother,cat\n")
    (workspace.folder / "several.csv").write_text("text,label\nred dog,red\ncat,other;red\n")
    before = sorted(path.name for path in workspace.folder.iterdir())
    assert_refused(cli("train", workspace.experiment, "task_files=[t.yaml]", "tasks=[color]"), message,
                   workspace.folder, before)  # fmt: skip
