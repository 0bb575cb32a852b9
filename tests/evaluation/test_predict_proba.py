"""``predict_proba``: the probabilities of ``predict`` as an array, in the order of the labels."""

import numpy as np
import pytest

import mtsmart
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
    with pytest.warns(UserWarning, match="lack a text"):
        table = run.predict_proba("color", [{"text": "a red cat"}, {"text": None}])
    assert np.isnan(table).tolist() == [[False, False], [True, True]]


def test_a_task_without_probabilities(run):
    with pytest.raises(mtsmart.MtsmartError) as error:
        run.predict_proba("near", [{"a": "a cat", "b": "a dog"}])
    assert str(error.value).startswith(
        "task: has no probability for each label, because it is of type 'regression', got 'near'. `predict` gives"
    )
