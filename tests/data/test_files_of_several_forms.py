"""An empty text of a json file is a text, and an empty field of a csv file is missing, also beside one another."""

import json

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.tasks.definition import TaskDefinition

ROWS = [("a", "b"), ("c", ""), ("", "d")]


@pytest.fixture
def task_of(tmp_path):
    """A function that makes a task of the data's files."""
    lines = [json.dumps({"title": title, "body": body, "label": "x"}) + "\n" for title, body in ROWS]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    (tmp_path / "t.csv").write_text("title,body,label\n" + "".join(f"{title},{body},x\n" for title, body in ROWS))

    def make(text, files, **more):
        named = {split: [str(tmp_path / f"t.{kind}") for kind in kinds] for split, kinds in files.items()}
        definition = {"task_type": "classification", "labels": ["x", "y"], "text": [text], "dataset": {"files": named}}
        return TaskDefinition(**definition, **more)

    return make


CSV = ["a: b", None, None]
JSON = ["a: b", "c: ", ": d"]


@pytest.mark.parametrize(
    ("files", "split", "texts"),
    [
        ({"train": ["csv"]}, "train", CSV),
        ({"train": ["jsonl"]}, "train", JSON),
        ({"train": ["csv", "jsonl"]}, "train", CSV + JSON),
        ({"train": ["jsonl", "csv"]}, "train", JSON + CSV),
        ({"train": ["jsonl"], "more": ["csv"]}, "train+more", JSON + CSV),
    ],
)
def test_each_file_is_judged_by_its_own_form(task_of, files, split, texts):
    text = "{title}: {body}"
    task = task_of(text, files, splits={"train": split})
    assert load_split("t", task, "train", [text], DataConfig())[text][:] == texts


def test_the_same_text_alone_is_read_as_it_stands(task_of):
    task = task_of("body", {"train": ["csv", "jsonl"]})
    assert load_split("t", task, "train", ["body"], DataConfig())["body"][:] == ["b", "", "d"] * 2
