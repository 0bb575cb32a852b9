"""An experiment as a mapping, with rows in memory: what is trained, what the run keeps, and what is refused."""

import datetime
import json
import math
import os
from decimal import Decimal
from pathlib import Path

import datasets
import numpy as np
import pandas
import pytest
import yaml

import mtsmart
from mtsmart.config.document import read_yaml
from mtsmart.config.loader import load_experiment, mapping_experiment
from mtsmart.preparation.in_memory import with_stored_rows

ROWS = [{"text": f"a red {n}" if n % 2 else f"the blue {n}", "label": n % 2} for n in range(24)]
TASK = {"task_type": "classification", "text": ["text"], "labels": ["blue", "red"]}


def experiment(rows, encoder="encoder", **more):
    task = {**TASK, "dataset": {"rows": rows}}
    return {"name": "mine", "tasks": {"mine": task}, "encoder": {"path": str(encoder)}, **more}


def stored(rows):
    """The files of each split, as their rows."""
    files = with_stored_rows(experiment(rows))["tasks"]["mine"]["dataset"]["files"]
    return {split: list(map(json.loads, Path(file).read_text().splitlines())) for split, file in files.items()}


def test_a_mapping_is_the_same_experiment_as_its_yaml(workspace):
    data = read_yaml(workspace.experiment).data
    assert mapping_experiment(data).config == load_experiment(workspace.experiment).config
    assert data == read_yaml(workspace.experiment).data, "the mapping stays as it is"
    over = {"extends": workspace.experiment, "training": {"epochs": 7, "batch_size": 8}}
    assert mapping_experiment(over, ["training.batch_size=4"]).config.training.epochs == 7


def test_a_run_with_rows_in_memory_is_resumed_and_evaluated(workspace, tiny_encoder):
    def train(rows, **arguments):
        data = experiment({"train": rows, "validation": ROWS[:8]}, tiny_encoder, training={"max_updates": 2})
        return mtsmart.train(data, ["training.batch_size=4"], output_dir="run", **arguments)

    run = train(ROWS)
    config = yaml.safe_load(Path("run/config.yaml").read_text())
    assert list(config["tasks"]["mine"]["dataset"]["files"]) == ["train", "validation"]
    assert train(ROWS, resume=True).results == run.results
    assert run.load().evaluate().score == run.results["score"]
    with pytest.raises(mtsmart.MtsmartError, match=r"cannot be resumed.*tasks\.mine\.dataset\.files\.train"):
        train(ROWS[1:], resume=True)


FORMS = {
    "mappings": ROWS,
    "a DataFrame": pandas.DataFrame(ROWS),
    "a data set": datasets.Dataset.from_list(ROWS),
    "numbers of numpy": [{"text": np.str_(row["text"]), "label": np.int64(row["label"])} for row in ROWS],
}


@pytest.mark.parametrize("name", list(FORMS))
def test_rows_in_every_form(name):
    assert stored({"validation": FORMS[name]}) == {"validation": ROWS}
    assert stored(FORMS[name]) == {"train": ROWS}


def test_the_names_of_a_data_sets_labels_are_kept():
    names = datasets.ClassLabel(names=["blue", "red"])
    table = datasets.Dataset.from_list(ROWS).cast_column("label", names)
    splits = stored(datasets.DatasetDict(train=table))
    assert [row["label"] for row in splits["train"]] == ["blue", "red"] * 12


NAMED = datasets.Features(
    text=datasets.Value("string"),
    label=datasets.ClassLabel(names=["blue", "red"]),
    tags=datasets.List(datasets.ClassLabel(names=["O", "X"])),
)
NUMBERED = [{**row, "tags": [1, 0, -1]} for row in ROWS]
NAMES = [{**row, "label": ["blue", "red"][row["label"]], "tags": ["X", "O", None]} for row in ROWS]


@pytest.mark.parametrize("form", [None, "torch", "numpy"])
def test_a_data_set_that_is_read_row_by_row_has_the_names_of_its_labels_too(form):
    rows = datasets.Dataset.from_list(NUMBERED, features=NAMED).to_iterable_dataset().with_format(form)
    assert stored(rows) == {"train": NAMES}
    assert stored(datasets.IterableDatasetDict(validation=rows)) == {"validation": NAMES}
    without_features = rows.map(dict)
    assert without_features.features is None
    assert stored(without_features) == {"train": NUMBERED}


TRANSFORMS = {
    "texts": (lambda batch: {**batch, "text": [text.upper() for text in batch["text"]]}, NAMES),
    "labels": (lambda batch: {**batch, "label": [("blue", "red")[number] for number in batch["label"]]}, NAMES),
    "other columns": (lambda batch: {"words": [text.split() for text in batch["text"]]}, None),
}


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_a_transform_of_a_data_set_is_applied_before_training(name):
    transform, named = TRANSFORMS[name]
    rows = datasets.Dataset.from_list(NUMBERED, features=NAMED).with_transform(transform)
    expected = (
        list(rows) if named is None else [{**row, "text": seen["text"]} for row, seen in zip(named, rows, strict=True)]
    )
    assert stored(rows) == {"train": expected}


def test_the_row_whose_label_has_no_name_is_told():
    rows = datasets.Dataset.from_list(ROWS).to_iterable_dataset()
    rows = rows.cast_column("label", datasets.ClassLabel(names=["blue"]))
    message = "task mine, split train, row 2: label: is a label that the data set has no name for, got 1"
    with pytest.raises(mtsmart.MtsmartError, match=message):
        stored(rows)


def test_what_other_libraries_put_where_a_value_is_missing():
    rows = [{"text": math.nan, "label": None, "words": np.array(["a"]), "inner": {"x": (1, math.nan)}}]
    assert stored(rows) == {"train": [{"text": None, "label": None, "words": ["a"], "inner": {"x": [1, None]}}]}


OTHER_COLUMNS = [
    ("when", pandas.Timestamp("2020-01-02 03:04"), "2020-01-02 03:04:00"),
    ("day", datetime.date(2020, 1, 2), "2020-01-02"),
    ("took", datetime.timedelta(seconds=3), "0:00:03"),
    ("price", Decimal("1.5"), 1.5),
    ("gone", pandas.NaT, None),
]


@pytest.mark.parametrize("as_table", [False, True])
def test_dates_and_exact_numbers_are_stored(as_table):
    row = {**ROWS[0], **{column: value for column, value, _ in OTHER_COLUMNS}}
    rows = pandas.DataFrame([row]) if as_table else [row]
    assert stored(rows) == {"train": [{**ROWS[0], **{column: text for column, _, text in OTHER_COLUMNS}}]}


def test_the_same_rows_are_one_file_and_a_damaged_file_is_written_again():
    (file,) = with_stored_rows(experiment(ROWS))["tasks"]["mine"]["dataset"]["files"].values()
    written = os.stat(file).st_mtime_ns
    assert with_stored_rows(experiment(ROWS)) == with_stored_rows(experiment(list(ROWS)))
    assert os.stat(file).st_mtime_ns == written
    text = Path(file).read_text()
    Path(file).write_text("damaged")
    with_stored_rows(experiment(ROWS))
    assert Path(file).read_text() == text


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        ("mine", {"train": ["a"]}, "task mine, split train, row 1: should be a mapping of column to value, got 'a'"),
        ("mine", {"train": 3}, "task mine, split train: should be a list of mappings, a DataFrame or a Dataset, got 3"),
        (
            "mine",
            [{"text": "a", "label": float("-inf")}],
            "task mine, split train, row 1: label: is infinite, and JSON has no such number",
        ),
        (
            "mine",
            [{"text": {1: "a", "1": "b"}}],
            "task mine, split train, row 1: text: has two keys that are the same text",
        ),
        (
            "mine",
            [{"text": b"a"}],
            "task mine, split train, row 1: text: is not a text, number, truth value, date, list or mapping, got b'a'. "
            "Leave this column out if no task reads it",
        ),
        ("../mine", ROWS, "experiment: tasks.../mine.dataset.rows: "),
        ("mine", {"../x": ROWS}, "experiment: tasks.mine.dataset.rows: "),
    ],
)
def test_what_is_refused(task, rows, message):
    data = experiment(rows)
    data["tasks"] = {task: data["tasks"]["mine"]}
    with pytest.raises(mtsmart.MtsmartError) as error:
        with_stored_rows(data)
    assert str(error.value).startswith(message)


def test_rows_beside_files_are_refused():
    data = experiment(ROWS)
    data["tasks"]["mine"]["dataset"]["files"] = "x.csv"
    with pytest.raises(mtsmart.MtsmartError, match="tasks.mine.dataset.rows: stands beside 'files'"):
        mtsmart.train(data)
