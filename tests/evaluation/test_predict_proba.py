"""``predict_proba``: the probabilities of ``predict`` as an array, in the order of the labels."""

import numpy as np
import pytest

import mtsmart
from mtsmart.evaluation.details.label_probabilities import label_probabilities
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.conftest import sentences

TEXTS = sentences(7, seed=4)


@pytest.fixture(scope="module")
def run(trained_workspace):
    return mtsmart.load(trained_workspace("training.epochs=1", "smart=off", "mbpp=off") / "run")


def test_rows_of_labels(run):
    table = run.predict_proba("color", TEXTS)
    assert (table.shape, table.dtype) == ((7, 2), np.float64)
    labels = run.task("color").labels
    predictions = run.predict("color", TEXTS)
    assert table.tolist() == [[row[f"p({label})"] for label in labels] for row in predictions]
    np.testing.assert_allclose(table.sum(1), 1)
    assert [labels[index] for index in table.argmax(1)] == [row["prediction"] for row in predictions]


def test_a_single_text_and_no_text(run):
    assert run.predict_proba("color", "a red cat").shape == (1, 2)
    assert run.predict_proba("color", []).shape == (0, 2)
    with pytest.warns(UserWarning, match="lacks a text"):
        table = run.predict_proba("color", [{"text": "a red cat"}, {"text": None}])
    assert np.isnan(table).tolist() == [[False, False], [True, True]]


def test_degrees(trained_workspace):
    """A degree is as likely as being above the one before it, and not above itself."""
    degrees = ["tasks.color.task_type=ordinal", "tasks.color.labels=[other, red]", "tasks.color.metrics=[accuracy]"]
    settings = ["training.max_updates=4", "smart=off", "mbpp=off"]
    run = mtsmart.load(trained_workspace(*degrees, *settings) / "run")
    table = run.predict_proba("color", TEXTS)
    above = [row["p(>other)"] for row in run.predict("color", TEXTS)]
    np.testing.assert_allclose(table, [[1 - p, p] for p in above], atol=1e-15)


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ((0.9, 0.6, 0.1), (0.1, 0.3, 0.5, 0.1)),
        ((0.9, 0.2, 0.6), (0.1, 0.7, 0.0, 0.2)),  # no row can be likelier above a label than above a lower one
        ((0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0)),
    ],
)
def test_four_degrees(above, expected):
    labels = ["bad", "fair", "good", "best"]
    definition = TaskDefinition(
        task_type="ordinal", text=["text"], labels=labels, dataset={"files": {"train": "unused.jsonl"}}
    )
    task = build_task("t", definition)
    keys = [f"p(>{label})" for label in labels[:-1]]
    table = label_probabilities(task, [{"prediction": "bad", **dict(zip(keys, above, strict=True))}])
    np.testing.assert_allclose(table, [expected], atol=1e-12)


def test_a_task_without_probabilities(run):
    with pytest.raises(mtsmart.MtsmartError) as error:
        run.predict_proba("near", [{"a": "a cat", "b": "a dog"}])
    assert str(error.value).startswith(
        "task: has no probability for each label, because it is of type 'regression', got 'near'. `predict` gives"
    )


def test_no_task(run):
    with pytest.raises(mtsmart.MtsmartError, match=r"task: names no task, got \[\]. There are: color, near"):
        run.predict([], ["a red cat"])
