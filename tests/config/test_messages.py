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
        ("training.max_grad_norm=0", "training.max_grad_norm: should be greater than 0, got 0. null stands for: off"),
        ("training.max_grad_norm=None", "training.max_grad_norm: should be a number, got 'None'. null stands for: off"),
        (
            "training.evaluate_every=off",
            "training.evaluate_every: should be a whole number, got 'off'. null stands for: each epoch",
        ),
        ("training.epochs=0", "training.epochs: should be greater than or equal to 1, got 0"),
        ("training.epochs=null", "training.epochs: should be a whole number, got null"),
        ("weighting=other", "weighting: there is no weighting 'other'. Choose from: aligned_mtl"),
        (
            "weighting.name=dwa",
            "weighting.name: there is no weighting 'name'. Give the weighting itself: weighting: dwa",
        ),
        ("sam=asam", "sam: is not one of the choices, got 'asam'. Choose from: adaptive"),
        ("sam={preset: asam}", "sam.preset: is not one of the choices, got 'asam'. Choose from: adaptive"),
        ("mixing.strategy=weights", "mixing.strategy: needs mixing.weights, the relative frequency of each task"),
        ("encoder.parts=1", "encoder.parts: unknown key. Did you mean 'path'?"),
    ],
)
def test_a_wrong_value_is_told_with_what_may_stand_there(override, told):
    assert message_of(override).startswith(f"command line: {told}")


def test_an_override_that_a_later_one_would_undo_is_refused():
    hint = "Put it before sam.rho=0.1, or leave sam.rho=0.1 out"
    assert message_of("sam.rho=0.1", "sam=paper") == f"command line: sam: would undo sam.rho=0.1, got 'paper'. {hint}"


def test_overrides_that_can_both_hold_do():
    document = parse_yaml("tasks: [rte, sst2]\nencoder: {path: e}\n", "e.yaml")
    together = ["sam.rho=0.1", "sam={preset: adaptive}", "tasks.rte.r_drop=paper", "tasks=[rte]", "ema.decay=0.9"]
    together.append("ema=off")
    config = build_experiment(document, together).config
    assert (config.parts["sam"].rho, config.parts["sam"].preset) == (0.1, "adaptive")
    assert config.tasks == {"rte": {"r_drop": "paper"}}
    assert config.parts["ema"].preset == "off"


@pytest.mark.parametrize("value", ["[pa", "[1,"])
def test_a_value_that_the_shell_has_cut_is_told_so_wherever_it_stands(value):
    for overrides in ([f"sam={value}"], ["sam.rho=0.1", f"sam={value}"]):
        assert "If the shell has cut it at a blank, quote it: 'sam=[one, another]'" in message_of(*overrides)


@pytest.mark.parametrize(
    ("task_type", "line", "told"),
    [
        ("classification", "smart: tunde", "smart: is not one of the choices, got 'tunde'"),
        (
            "multi_label",
            "options: {threshold: tunde}",
            "options.threshold: should be a number or 'tuned', got 'tunde'",
        ),
    ],
)
def test_a_wrong_value_of_a_task_is_told_with_what_may_stand_there(task_type, line, told):
    text = (
        f"encoder: {{path: e}}\ntasks:\n  m:\n    task_type: {task_type}\n    dataset: {{files: {{train: d.csv}}}}\n"
        f"    text: [a]\n    labels: [x, y]\n    {line}\n"
    )
    with pytest.raises(ConfigError) as raised:
        build_tasks(select_tasks(build_experiment(parse_yaml(text, "e.yaml"))))
    assert str(raised.value) == f"e.yaml:8: tasks.m.{told}. Did you mean 'tuned'?"


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
