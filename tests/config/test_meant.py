"""Values whose form is that of other tools: the message prints what to write."""

import json
import re

import pytest

from mtsmart.config.document import parse_yaml
from mtsmart.config.loader import build_experiment
from mtsmart.errors import ConfigError
from mtsmart.preparation.data_checks import data_problems
from mtsmart.task_types import build_tasks
from mtsmart.tasks import TaskLibrary, select_tasks


def message_of(text):
    with pytest.raises(ConfigError) as raised:
        build_tasks(select_tasks(build_experiment(parse_yaml(text, "e.yaml"))))
    return str(raised.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("metrics: accuracy", "Write metrics: [accuracy]"),
        ("metrics: accuracy, macro_f1", "Write metrics: [accuracy, macro_f1]"),
        ("metrics: {accuracy: , f1: }", "Write metrics: [accuracy, f1]"),
        ("labels: neg, pos", "Write labels: [neg, pos]"),
        ("labels: neg; 01", "Write labels: [neg, '01']"),
        ("labels: {neg: 1, pos: 0}", "Write labels: [pos, neg]"),
        ("labels: {1: pos, 0: neg}", "Write labels: [neg, pos]"),
        ("labels: {10: c, 2: b, 0: a}", "Write labels: [a, b, c]"),
        ("labels: 2", "List the names of the labels, in the order of the numbers that the data may have"),
        ("labels: neg", "List the names of the labels"),
        ("dataset: train.csv", "'train.csv' is a data file: write dataset: {files: {train: train.csv}}"),
        ("dataset: owner/name", "Write dataset: {path: owner/name}"),
    ],
)
def test_a_task_is_told_the_list_or_mapping_itself(line, told):
    key = line.partition(":")[0]
    given = {"dataset": "{files: {train: d.csv}}", "labels": "[x, y]"}
    lines = [f"    {name}: {value}\n" for name, value in given.items() if name != key]
    text = f"encoder: {{path: e}}\ntasks:\n  m:\n    {line}\n    task_type: classification\n    text: [a]\n"
    message = message_of(text + "".join(lines))
    assert message.startswith(f"e.yaml:4: tasks.m.{key}: ") and told in message


@pytest.mark.parametrize("value", ["{neg: 1, pos: 1}", "{neg: x, pos: y}", "{}", "{neg: 0, pos: }"])
def test_what_can_mean_several_lists_gets_none(value):
    text = f"encoder: {{path: e}}\ntasks:\n  m:\n    labels: {value}\n    task_type: classification\n    text: [a]\n"
    message = message_of(text + "    dataset: {files: {train: d.csv}}\n")
    assert message.startswith("e.yaml:4: tasks.m.labels: should be a list") and "Write" not in message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tasks: [{name: a, weight: 2}, b]", "e.yaml:1: tasks: .* Write tasks: {a: {weight: 2}, b: {}}$"),
        ("tasks:\n- a: {weight: 2}\n- b:", "e.yaml:1: tasks: .* Write tasks: {a: {weight: 2}, b: {}}$"),
        ("encoder: ./e", r"e.yaml:1: encoder: .* Write encoder: {path: ./e}$"),
        ("optimizer: adamw", "e.yaml:1: optimizer: .* Write optimizer: {name: adamw}$"),
        ("mixing: proportional", "e.yaml:1: mixing: .* Write mixing: {strategy: proportional}$"),
        ("grid: {seeds: '1, 2', arms: {a: {}}}", r"e.yaml:1: grid.seeds: .* Write seeds: \[1, 2\]$"),
        ("init: runs/x", r"e.yaml:1: init: .* Write init: {run: runs/x}$"),
        ("training: 3", "e.yaml:1: training: should be a mapping: {key: value}, got 3$"),
    ],
)
def test_an_experiment_is_told_the_mapping_itself(line, told):
    given = {"tasks": "[rte]", "encoder": "{path: e}"}
    others = [f"{name}: {value}\n" for name, value in given.items() if name != line.partition(":")[0]]
    message = message_of(f"{line}\n{''.join(others)}")
    assert re.match(told, message), message


def test_several_label_columns_in_one_text_are_told():
    text = "encoder: {path: e}\ntasks:\n  m:\n    task_type: multi_label\n    text: [a]\n    label: x, y\n"
    told = "'x, y' is read as the name of one column; several columns of 0 and 1 are written label: [x, y]"
    assert told in message_of(f"{text}    dataset: {{files: {{train: d.csv}}}}\n")


def test_two_text_columns_in_one_text_are_told_with_their_line(tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = {"a": "red", "b": "dog", "label": "x"}
    (tmp_path / "d.jsonl").write_text("".join(json.dumps({**row, "label": each}) + "\n" for each in "xy"))
    text = "m:\n  task_type: classification\n  dataset: {files: {train: d.jsonl}}\n  text: a, b\n  labels: [x, y]\n"
    (tmp_path / "t.yaml").write_text(text)
    (problem,) = data_problems(build_tasks({"m": TaskLibrary(["t.yaml"]).entry("m")})["m"])
    assert problem.key == "m.text" and problem.hint == "Write text: [a, b]"
    result = cli("tasks", "check", "t.yaml")
    assert result.code == 2
    assert result.err.startswith("mtsmart: t.yaml:4: m.text: there is no column 'a, b' in task m, split train")
