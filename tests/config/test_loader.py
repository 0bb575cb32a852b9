"""Experiment files: extends, overrides, short forms, round trip."""

from pathlib import Path

import pytest

from mtsmart.config import document, dump_config, load_experiment, loader
from mtsmart.errors import ConfigError
from mtsmart.resources import shipped

BASE = "tasks: [a, b]\nencoder: {path: enc}\nsmart: paper\ntraining: {epochs: 3, batch_size: 8}\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "child.yaml").write_text(
        "extends: base.yaml\ntasks: {b: {weight: 2}, c: null}\nsmart: {weight: 5}\ntraining: {epochs: 1}\n"
    )
    return tmp_path


def test_a_child_changes_what_it_names(files):
    config = load_experiment(files / "child.yaml").config
    assert config.tasks == {"a": {}, "b": {"weight": 2}, "c": {}}
    assert (config.training.epochs, config.training.batch_size) == (1, 8)
    assert (config.parts["smart"].preset, config.parts["smart"].weight) == ("paper", 5)


def test_a_task_without_a_value_keeps_the_settings_of_the_base(files):
    (files / "child.yaml").write_text("extends: base.yaml\ntasks: {b: {weight: 2}, c: }\n")
    (files / "grandchild.yaml").write_text("extends: child.yaml\ntasks: {b: , a: {weight: 3}}\n")
    config = load_experiment(files / "grandchild.yaml", ["tasks.b=null"]).config
    assert config.tasks == {"a": {"weight": 3}, "b": {"weight": 2}, "c": {}}


def test_a_list_of_tasks_replaces_the_base(files):
    (files / "child.yaml").write_text("extends: base.yaml\ntasks: [c]\n")
    assert list(load_experiment(files / "child.yaml").config.tasks) == ["c"]


@pytest.mark.parametrize(
    ("override", "check"),
    [
        ("training.epochs=7", lambda c: c.training.epochs == 7),
        ("optimizer.learning_rate=5e-5", lambda c: c.optimizer.learning_rate == 5e-5),
        ("smart=off", lambda c: c.parts["smart"].preset == "off"),
        ("smart=null", lambda c: c.parts["smart"].preset == "off"),
        ("mbpp=false", lambda c: c.parts["mbpp"].preset == "off"),
        ("smart.weight=3", lambda c: (c.parts["smart"].preset, c.parts["smart"].weight) == ("paper", 3)),
        ("tasks=[a]", lambda c: list(c.tasks) == ["a"]),
        ("tasks.a.weight=2", lambda c: c.tasks == {"a": {"weight": 2}, "b": {}}),
        ("data.hub_dir=", lambda c: c.data.hub_dir is None),
    ],
)
def test_overrides(files, override, check):
    assert check(load_experiment(files / "base.yaml", [override]).config)


def test_paths_are_relative_to_the_file_that_names_them(files):
    (files / "sub").mkdir()
    (files / "sub" / "child.yaml").write_text(
        "extends: ../base.yaml\ntask_files: [x.yaml]\nencoder: {path: null}\ninit: {run: ../r}\n"
    )
    config = load_experiment(files / "sub" / "child.yaml").config
    assert Path(config.task_files[0]) == files / "sub" / "x.yaml"
    assert Path(config.init.run).resolve() == (files / "r").resolve()


def test_the_dump_loads_to_the_same(files):
    config = load_experiment(files / "child.yaml").config
    (files / "dump.yaml").write_text(dump_config(config))
    assert load_experiment(files / "dump.yaml").config == config


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"description": "x" * 4000}, "more than 4,000 bytes"),
        ({"labels": [*map(str, range(200))]}, "is nested too deeply or expands to too many values"),
    ],
)
def test_a_configuration_that_could_not_be_read_again_is_refused(files, monkeypatch, task, reason):
    """Each task file is within what is read; all of them together would leave a run that nobody can open."""
    config = load_experiment(files / "child.yaml").config.model_copy(update={"tasks": {"a": task}})
    dump_config(config)
    monkeypatch.setattr(loader, "MAX_BYTES", 4000)
    monkeypatch.setattr(document, "MAX_NODES", 200)
    with pytest.raises(ConfigError, match=f"^tasks: together they could not be read again .*: {reason}"):
        dump_config(config)


def test_errors_in_a_base_name_the_base(files):
    (files / "base.yaml").write_text(BASE + "mbpp: {wieght: 1}\n")
    with pytest.raises(ConfigError, match=r"base\.yaml:5: mbpp\.wieght: unknown key\. Did you mean 'weight'\?"):
        load_experiment(files / "child.yaml")


@pytest.mark.parametrize("file", sorted(shipped("experiments").rglob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_experiments_are_valid(file):
    """Each loads, and its tasks resolve; those that start from a run need the run for that."""
    from mtsmart.task_types import build_tasks
    from mtsmart.tasks import select_tasks

    experiment = load_experiment(file)
    build_tasks(select_tasks(experiment))


@pytest.mark.parametrize("file", sorted(shipped("experiments").rglob("*.yaml")), ids=lambda p: p.stem)
def test_every_knob_of_a_shipped_experiment_has_a_comment(file):
    for line in file.read_text().splitlines():
        key, colon, value = line.partition(":")
        is_knob = colon and value.strip() and not key.lstrip().startswith("#")
        if is_knob and key not in ("name", "description"):
            assert " # " in value, f"{file.name}: {line}"


def test_paths_on_the_command_line_are_relative_to_the_working_directory(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = ["data.hub_dir=clones", "task_files=[t.yaml]", "encoder.path=./enc", "data.cache_dir=~/c"]
    config = load_experiment(files / "base.yaml", overrides).config
    assert config.data.hub_dir == str(tmp_path / "clones")
    assert config.task_files == [str(tmp_path / "t.yaml")]
    assert config.encoder.path == str(tmp_path / "enc")
    assert config.data.cache_dir == str(Path.home() / "c")
    assert load_experiment(files / "base.yaml").config.encoder.path == "enc"


def test_a_mistake_inside_a_mapping_of_the_command_line_is_not_told_as_one_of_the_file(tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text("name: e\ntasks: [rte]\nencoder: {path: x}\noptimizer:\n  learning_rate: 0.1\n  weight_decay: 0\n")
    with pytest.raises(ConfigError, match=r"^command line: optimizer\.learning_rate: should be"):
        load_experiment(file, ["optimizer={learning_rate: fast}"])
    file.write_text(file.read_text().replace("weight_decay: 0", "weight_decay: much"))
    with pytest.raises(ConfigError, match=r"e\.yaml:6: optimizer\.weight_decay: should be"):
        load_experiment(file, ["optimizer={learning_rate: 0.2}"])
