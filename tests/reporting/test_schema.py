"""``mtsmart schema``: what validation takes fits the schemas, and mistakes do not."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from pydantic import Field

from mtsmart.config.document import parse_yaml, read_yaml
from mtsmart.reporting.schema import SchemaKind, schema_of
from mtsmart.reporting.shown import default_of

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {kind: sorted((ROOT / f"{kind}s").rglob("*.yaml")) for kind in SchemaKind}

TASK = """
t:
  task_type: classification
  dataset: {files: a.csv}
  text: body
  label: topic
  labels: [yes, 1, true]
"""


@pytest.fixture(scope="module")
def validators():
    found = {kind: schema_of(kind) for kind in SchemaKind}
    for schema in found.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    return {kind: jsonschema.Draft202012Validator(schema) for kind, schema in found.items()}


@pytest.mark.parametrize("kind", list(SchemaKind))
def test_shipped_files_fit_the_schema_that_they_name(validators, kind):
    assert SHIPPED[kind]
    for file in SHIPPED[kind]:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        (target,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", first)
        assert (file.parent / target).resolve() == ROOT / "docs" / "schema" / f"{kind}.json"
        errors = [error.message for error in validators[kind].iter_errors(read_yaml(file).data)]
        assert not errors, file


@pytest.mark.parametrize(
    "text",
    [
        TASK,
        TASK + "  smart: off\n  mbpp: {weight: 2}\n  options: {class_weights: balanced}\n  missing: {body: empty}\n",
        TASK + "  head: auto\n",
        TASK.replace("files: a.csv", "files: {train: [a.csv, b.csv], validation: c.csv}, delimiter: tab"),
        "t: {task_type: ranking, dataset: {path: a}, text: [q], options: {candidates: one}}",
        "t: {task_type: span, dataset: {path: a}, text: [q, c], metrics: [answer_f1], head: {type: native}}",
    ],
)
def test_tasks_fit(validators, text):
    validators[SchemaKind.TASK].validate(parse_yaml(text, "t.yaml").data)


@pytest.mark.parametrize(
    "text",
    [
        TASK.replace("task_type", "task_typ"),
        TASK.replace("classification", "clasification"),
        TASK.replace("body", "[a, b, c]"),
        TASK + "  metrics: [answer_f1]\n",
        TASK + "  options: {choices: [a, b]}\n",
        TASK + "  loss: focl\n",
        TASK + "  smart: tund\n",
        TASK + "  smart: {epsilon: -1}\n",
        TASK + "  head: {type: plane}\n",
        TASK + "  head: plane\n",
        "t: {task_type: span, text: [q, c]}",
    ],
)
def test_mistakes_in_tasks_do_not_fit(validators, text):
    assert list(validators[SchemaKind.TASK].iter_errors(parse_yaml(text, "t.yaml").data))


@pytest.mark.parametrize(
    "text",
    [
        "tasks: glue",
        "tasks: [rte, mrpc]\nsmart: tuned\nmbpp: off\nweighting: mean",
        "tasks: {rte: , mrpc: {weight: 2, smart: off}}\nencoder: {path: a, layers: 3, freeze: embeddings}",
        "extends: other.yaml\ninit: {heads: fresh}\ngrid: {seeds: [1], arms: {a: {smart: off}, b: {start: c}}}",
        "tasks: {mine: {task_type: span, dataset: {path: a}, text: [q, c]}}\ndistill: {teachers: [a]}",
    ],
)
def test_experiments_fit(validators, text):
    validators[SchemaKind.EXPERIMENT].validate(parse_yaml(text, "e.yaml").data)


@pytest.mark.parametrize(
    "text",
    [
        "name: without_tasks",
        "tasks: glue\ntraning: {epochs: 1}",
        "tasks: glue\ntraining: {epochs: 0}",
        "tasks: glue\nencoder: {path: a, layrs: 3}",
        "tasks: {rte: {wieght: 2}}",
        "tasks: glue\nweighting: meen",
        "tasks: glue\ngrid: {seeds: [1], arms: {a: {smart: tund}}}",
    ],
)
def test_mistakes_in_experiments_do_not_fit(validators, text):
    assert list(validators[SchemaKind.EXPERIMENT].iter_errors(parse_yaml(text, "e.yaml").data))


def test_the_command_writes_a_schema(cli, tmp_path):
    printed = cli("schema", "task")
    assert json.loads(printed.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    result = cli("schema", "experiment", "-o", tmp_path / "e.json")
    assert result.code == 0, result.err
    assert "$schema=e.json" in result.out
    assert json.loads((tmp_path / "e.json").read_text())["properties"]["extends"]


def test_only_a_schema_is_replaced(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert cli("schema", "task", "-o", "task.json").code == 0
    for name, text in (("mine.yaml", "a: {task_type: regression}\n"), ("mine.json", '{"a": 1}'), ("list.json", "[]")):
        (tmp_path / name).write_text(text)
        refused = cli("schema", "task", "-o", name)
        assert refused.code == 2 and f"--output: holds something else than a JSON schema, got '{name}'" in refused.err
        assert (tmp_path / name).read_text() == text
    assert "there is no such folder, got 'gone'" in cli("schema", "task", "-o", "gone/task.json").err


def test_another_kind_is_refused(cli):
    result = cli("schema", "tasks")
    assert (result.code, result.out) == (2, "")
    assert "is no kind of file that has a schema, got 'tasks'. Did you mean 'task'" in result.err


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (Field(description="a"), "required"),
        (Field(default=None), "default null"),
        (Field(default=True), "default true"),
        (Field(default=","), "default ','"),
        (Field(default_factory=list), "default []"),
    ],
    ids=["none", "null", "a switch", "a text", "a factory"],
)
def test_the_default_of_a_setting_in_the_words_of_yaml(field, told):
    assert default_of(field) == told
