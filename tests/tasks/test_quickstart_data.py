"""The quickstart data: size, balance, nothing doubled, made by its generator, and no bag-of-words giveaway."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from mtsmart.resources import shipped
from mtsmart.tasks import TaskLibrary

FOLDER = shipped("tasks") / "quickstart"
EVERYDAY = Path(__file__).parents[2] / "benchmarks" / "everyday.jsonl"
SPLITS = ("train", "validation")
TASKS = {name: definition for name, definition in TaskLibrary().items() if definition.suite == "quickstart"}


def rows(task, split):
    return [json.loads(line) for line in (FOLDER / task / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_four_tasks_of_four_kinds():
    assert len(TASKS) == 4
    assert Counter(len(d.text) for d in TASKS.values()) == {1: 1, 2: 3}
    assert Counter(d.task_type for d in TASKS.values()) == {"classification": 3, "regression": 1}


@pytest.mark.parametrize("task", list(TASKS))
def test_sizes_balance_and_no_row_twice(task):
    train, validation = rows(task, "train"), rows(task, "validation")
    assert len(train) >= 400
    assert len(validation) >= 100
    texts = [frozenset(row[column] for column in TASKS[task].text) for row in train + validation]
    assert len(set(texts)) == len(texts)
    if TASKS[task].labels:
        for part in (train, validation):
            counts = Counter(row["label"] for row in part)
            assert set(counts) == set(TASKS[task].labels)
            assert max(counts.values()) - min(counts.values()) <= 1


def test_no_everyday_sentence_is_material():
    """The sentences that runs are asked about say nothing when training has seen them."""
    asked = [json.loads(line) for line in EVERYDAY.read_text(encoding="utf-8").splitlines()]
    columns = {task: definition.text for task, definition in TASKS.items()}
    known = {row[column] for task in TASKS for split in SPLITS for row in rows(task, split) for column in columns[task]}
    assert {row[column] for row in asked for column in columns[row["task"]]}.isdisjoint(known)


@pytest.mark.parametrize("task", list(TASKS))
def test_vocabulary_is_varied(task):
    words = {word.lower() for row in rows(task, "train") for column in TASKS[task].text for word in row[column].split()}
    assert len(words) > 400


@pytest.mark.parametrize("task", list(TASKS))
def test_a_bag_of_words_does_not_solve_it(task):
    definition = TASKS[task]
    parts = {split: rows(task, split) for split in ("train", "validation")}
    texts = {split: [" || ".join(row[c] for c in definition.text) for row in part] for split, part in parts.items()}
    gold = {split: [row[definition.label] for row in part] for split, part in parts.items()}
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    if definition.task_type == "regression":
        model = make_pipeline(features, Ridge(1.0)).fit(texts["train"], gold["train"])
        assert np.corrcoef(model.predict(texts["validation"]), gold["validation"])[0, 1] < 0.65
    else:
        model = make_pipeline(features, LogisticRegression(C=10, max_iter=500)).fit(texts["train"], gold["train"])
        assert model.score(texts["validation"], gold["validation"]) < 0.8


def test_the_hypothesis_alone_gives_little_away():
    features = TfidfVectorizer(ngram_range=(1, 2))
    train, validation = rows("quick_entail", "train"), rows("quick_entail", "validation")
    model = make_pipeline(features, LogisticRegression(C=10, max_iter=500))
    model.fit([row["hypothesis"] for row in train], [row["label"] for row in train])
    assert model.score([row["hypothesis"] for row in validation], [row["label"] for row in validation]) < 0.5


def test_the_files_are_what_their_generator_writes():
    command = [sys.executable, "-B", str(FOLDER / "make_data.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
