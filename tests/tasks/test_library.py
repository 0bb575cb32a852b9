"""Finding and merging task definitions."""

import pytest

from mtsmart.config import load_experiment
from mtsmart.errors import ConfigError
from mtsmart.tasks import TaskLibrary, select_tasks

EXPERIMENT = "encoder: {path: x}\n"


def select(tmp_path, tasks, overrides=()):
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT + tasks)
    return select_tasks(load_experiment(file, overrides))


def test_names_suites_and_patterns(tmp_path):
    assert list(select(tmp_path, "tasks: [rte, anli]")) == ["rte", "anli_r1", "anli_r2", "anli_r3"]
    assert list(select(tmp_path, "tasks: ['quick_[es]*']")) == ["quick_entail", "quick_similar"]


def test_an_experiment_changes_a_definition_without_touching_the_rest(tmp_path):
    tasks = select(tmp_path, "tasks:\n  snli: {splits: {train: 'train[:5]'}, weight: 2}\n", ["tasks.snli.max_length=9"])
    assert (tasks["snli"].split("train"), tasks["snli"].split("test")) == ("train[:5]", "test")
    assert (tasks["snli"].weight, tasks["snli"].max_length) == (2, 9)
    assert TaskLibrary()["snli"].weight == 1


def test_a_task_may_be_defined_in_the_experiment(tmp_path):
    tasks = select(
        tmp_path,
        "tasks:\n  mine:\n    task_type: regression\n    dataset: {files: {train: d.csv}}\n    text: [a]\n",
    )
    assert tasks["mine"].dataset.files == {"train": str((tmp_path / "d.csv").resolve())}


def test_a_single_text_column_may_be_written_without_a_list(tmp_path):
    (tmp_path / "t.yaml").write_text("mine: {task_type: regression, dataset: {path: x}, text: body}\n")
    assert TaskLibrary([tmp_path])["mine"].text == ["body"]


def test_a_new_task_needs_at_most_fifteen_lines():
    from mtsmart.resources import shipped

    text = (shipped("tasks") / "nli.yaml").read_text()
    blocks = [block for block in text.split("\n\n") if "task_type" in block]
    assert blocks
    assert all(len(block.strip().splitlines()) <= 15 for block in blocks)


def test_shared_heads_must_be_there(tmp_path):
    assert list(select(tmp_path, "tasks: [mnli, mnli_mismatched, hans]")) == ["mnli", "mnli_mismatched", "hans"]
    with pytest.raises(ConfigError, match=r"hans: shares the head of 'mnli', which is not among the tasks"):
        select(tmp_path, "tasks: [hans]")
