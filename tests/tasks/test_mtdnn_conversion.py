"""`mtsmart tasks convert`: task files of MT-DNN written in mtsmart's form."""

import os

import pytest
import yaml

from mtsmart.config.document import dump_yaml, parse_yaml
from mtsmart.tasks import TaskLibrary
from tests.tasks.mtdnn_entries import BASIC
from tests.tasks.mtdnn_files import CASES, write_all


# Conversion ---------------------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
@pytest.mark.parametrize("output", ["own.yaml", "below/own.yaml"])
def test_a_converted_file_loads_as_the_same_tasks(tmp_path, cli, output):
    write_all(tmp_path)
    (tmp_path / "below").mkdir()
    result = cli("tasks", "convert", tmp_path / "tasks.yml", "--output", tmp_path / output)
    assert (result.code, result.out) == (0, f"written to {tmp_path / output}\n")
    assert all(line.startswith("mtsmart: warning: ") for line in result.err.splitlines())
    direct, converted = TaskLibrary([tmp_path / "tasks.yml"]), TaskLibrary([tmp_path / output])
    assert {name: direct[name] for name in CASES} == {name: converted[name] for name in CASES}
    text = (tmp_path / output).read_text()
    assert ("train: cola_train.tsv" in text) == (output == "own.yaml")


def test_conversion_to_standard_output_and_from_named_data(tmp_path, cli):
    (tmp_path / "t.yml").write_text(BASIC)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--data-dir", tmp_path / "elsewhere")
    assert result.code == 0, result.err
    files = yaml.safe_load(result.out)["mine"]["dataset"]["files"]
    assert files["dev"] == str(tmp_path / "elsewhere" / "mine_dev.tsv")


def test_conversion_keeps_the_list_of_files_of_an_entry_in_our_form(tmp_path, cli):
    files = "{train: [a.csv, parts/b.csv], test: c.csv}"
    own = f"own: {{task_type: regression, dataset: {{files: {files}}}, text: [a]}}\n"
    (tmp_path / "t.yml").write_text(BASIC + own)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "own.yaml")
    assert result.code == 0, result.err
    converted = yaml.safe_load((tmp_path / "own.yaml").read_text())
    assert converted["own"]["dataset"]["files"] == yaml.safe_load(files)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "a.csv")
    assert result.code == 2 and "--output: is a data file of the tasks" in result.err


def test_conversion_refuses_our_form_and_the_file_itself(tmp_path, cli):
    (tmp_path / "own.yaml").write_text("mine: {task_type: regression, dataset: {path: x}, text: [a]}\n")
    result = cli("tasks", "convert", tmp_path / "own.yaml")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "own.yaml: is not in MT-DNN's form" in result.err
    (tmp_path / "t.yml").write_text(BASIC)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "t.yml")
    assert result.code == 2 and "--output: would overwrite the file that is read" in result.err
    assert (tmp_path / "t.yml").read_text() == BASIC
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "no" / "folder.yaml")
    assert result.code == 2 and "cannot be written" in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize("target", ["nowhere", "own.yaml"])
def test_conversion_replaces_no_link(tmp_path, cli, target):
    (tmp_path / "own.yaml").write_text("mine: {task_type: regression, dataset: {path: x}, text: [a]}\n")
    (tmp_path / "t.yml").write_text(BASIC)
    (tmp_path / "link.yaml").symlink_to(target)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "link.yaml")
    assert result.code == 2 and "--output: is a link, which would be replaced" in result.err
    assert os.readlink(tmp_path / "link.yaml") == target


def test_dumped_text_is_read_as_text():
    texts = ["1e5", "0", "no", "true", "null", "~", "1.0", ".5", "012", "plain", "", "2001-01-01", "a: b"]
    data = {"a": texts, "b": 1e-5, "c": 3, "d": None}
    assert parse_yaml(dump_yaml(data), "x").data == data
