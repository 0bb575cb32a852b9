"""What messages about wrong settings say: the forms that a value may have, the key, its place."""

import pytest

from mtsmart.config.document import parse_yaml
from mtsmart.config.loader import build_experiment
from mtsmart.errors import ConfigError
from mtsmart.runs.resume_policy import check_allowed
from mtsmart.task_types import build_tasks
from mtsmart.tasks import select_tasks

FREEZE = "encoder.freeze: should be a number of layers (1 or more), 'all' or 'embeddings'"


def message_of(*overrides, lines=""):
    with pytest.raises(ConfigError) as raised:
        build_experiment(parse_yaml(f"tasks: [rte]\nencoder: {{path: e}}\n{lines}", "e.yaml"), overrides)
    return str(raised.value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("encoder.freeze=0", f"{FREEZE}, got 0"),
        ("encoder.freeze=alll", f"{FREEZE}, got 'alll'. Did you mean 'all'?"),
        ("encoder.freeze=99x", f"{FREEZE}, got '99x'"),
        ("encoder.freeze={a: true}", f"{FREEZE}, got {{'a': true}}"),
        ("training.epochs=null", "training.epochs: should be a whole number, got null"),
        ("weighting=other", "weighting.other: there is no weighting of this name. Choose from: aligned_mtl"),
        ("mixing.strategy=weights", "mixing.strategy: needs mixing.weights, the relative frequency of each task"),
        ("encoder.parts=1", "encoder.parts: unknown key. Did you mean 'path'?"),
    ],
)
def test_a_wrong_value_is_told_with_what_may_stand_there(override, told):
    assert message_of(override).startswith(f"command line: {told}")


def test_an_option_of_a_task_with_several_forms_names_them(tmp_path):
    text = (
        "encoder: {path: e}\ntasks:\n  m:\n    task_type: multi_label\n    dataset: {files: {train: d.csv}}\n"
        "    text: [a]\n    labels: [x, y]\n    options: {threshold: tunde}\n"
    )
    with pytest.raises(ConfigError) as raised:
        build_tasks(select_tasks(build_experiment(parse_yaml(text, "e.yaml"))))
    place = "e.yaml:8: tasks.m.options.threshold"
    assert str(raised.value) == f"{place}: should be a number or 'tuned', got 'tunde'. Did you mean 'tuned'?"


def test_an_unknown_key_keeps_its_line_whatever_its_name():
    assert message_of(lines="name: x\nparts: 3\n").startswith("e.yaml:4: parts: unknown key")


def test_the_encoder_of_a_run_is_not_given_again():
    assert message_of("init.run=r").startswith("e.yaml:2: encoder.path: the encoder comes from init.run")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training.epoch", "Did you mean 'training.epochs'?"),
        ("trainig", "Did you mean 'training'?"),
        ("tasks.rte.wieght", "Did you mean 'tasks.rte.weight'?"),
        ("rows.rte.trian", "Did you mean 'rows.rte.train'?"),
        ("training.epochs.x", "Nothing stands below it"),
    ],
)
def test_a_key_that_no_run_has_cannot_be_allowed_to_change(key, hint):
    with pytest.raises(ConfigError) as raised:
        check_allowed([key], True)
    assert str(raised.value) == f"allow_changes: there is no such key, got '{key}'. {hint}"


def test_keys_that_exist_may_be_allowed():
    keys = ["training", "smart", "smart.weight", "weighting", "tasks", "tasks.rte.weight", "rows", "rows.rte.train"]
    keys += ["encoder.freeze", "tasks.rte.options.x", "tasks.rte.splits.train", "mixing.weights.rte"]
    assert check_allowed(keys, True) == keys


def test_one_text_is_no_list():
    with pytest.raises(
        ConfigError, match=r"allow_changes: should be a list, got 'seed'\. Write allow_changes=\['seed'\]"
    ):
        check_allowed("seed", True)
