"""A split whose name is written in other letters is found wherever the name of a split is looked up."""

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import file_digests, split_place
from mtsmart.preparation.data_checks import data_problems
from mtsmart.task_types import build_task
from mtsmart.tasks.definition import TaskDefinition


def task(folder, name, splits=None, **dataset):
    (folder / "d.csv").write_text("text,label\nred dog,x\ncat,y\n")
    (folder / "v.csv").write_text("text,label\nred house,z\n")
    files = {"train": str(folder / "d.csv"), name: str(folder / "v.csv")}
    given = {"task_type": "classification", "text": ["text"], "labels": ["x", "y"], "splits": splits or {}}
    return TaskDefinition(dataset={"files": files, **dataset}, **given)


SPELLINGS = pytest.mark.parametrize("name", ["validation", "Validation", " VALIDATION"])


@SPELLINGS
def test_the_labels_of_a_validation_file_are_checked(tmp_path, name):
    (problem,) = data_problems(build_task("t", task(tmp_path, name)))
    assert "v.csv" in str(problem) and "is not one of the task's labels, got 'z'" in str(problem)


@SPELLINGS
def test_a_holdout_refuses_a_validation_file(tmp_path, name):
    with pytest.raises(ValueError, match="the task has a validation split, and 'dataset.holdout' makes one"):
        task(tmp_path, name, holdout="20%")
    task(tmp_path, name, holdout="20%", splits={"test": "Validation"})  # The file has another use.


@SPELLINGS
def test_messages_name_the_file_of_a_split_and_its_content_is_known(tmp_path, name):
    definition = task(tmp_path, name)
    assert "v.csv)" in split_place("t", definition, "validation")
    before = file_digests(definition, "validation", DataConfig())
    (tmp_path / "v.csv").write_text("text,label\nred house,x\n")
    after = file_digests(definition, "validation", DataConfig())
    assert before is not None and after is not None and before != after
