"""What ``predict`` takes: texts, mappings, tables of other libraries and data sets; what it says to the rest."""

import datasets
import numpy as np
import pandas
import pyarrow
import pytest

import mtsmart
from mtsmart.errors import MtsmartWarning

TEXTS = ["a red house", "the blue cat", "red"]


@pytest.fixture(scope="module")
def loaded(trained_workspace):
    return mtsmart.load(trained_workspace() / "run")


@pytest.fixture(scope="module")
def expected(loaded):
    return loaded.predict("color", [{"text": text} for text in TEXTS])


FORMS = {
    "texts": TEXTS,
    "a series of pandas": pandas.Series(TEXTS),
    "an array": pandas.Series(TEXTS, dtype="object").to_numpy(),
    "a generator": (text for text in TEXTS),
    "a DataFrame": pandas.DataFrame({"number": [1, 2, 3], "text": TEXTS}, index=[7, 8, 9]),
    "a table of Arrow": pyarrow.table({"text": TEXTS}),
    "a data set": datasets.Dataset.from_dict({"text": ["x", *TEXTS]}).select([1, 2, 3]),
    "texts and mappings": [TEXTS[0], {"text": TEXTS[1]}, TEXTS[2]],
}


@pytest.mark.parametrize("name", list(FORMS))
def test_rows_in_every_form(loaded, expected, name):
    assert loaded.predict("color", FORMS[name]) == expected


@pytest.mark.parametrize("row", [TEXTS[0], {"text": TEXTS[0]}])
def test_a_single_row_gives_a_list_of_one(loaded, row):
    (one,) = loaded.predict("color", row)
    assert set(one) == {"prediction", "p(other)", "p(red)"}


def test_a_missing_text_of_a_table_has_no_prediction(loaded):
    table = pandas.DataFrame({"text": ["red", None, float("nan")]})
    with pytest.warns(match="2 of 3 rows lack a text"):
        rows = loaded.predict("color", table)
    assert [row["prediction"] is None for row in rows] == [False, True, True]


@pytest.mark.parametrize(("task", "got"), [("near", ["Who wrote it?"]), (["color", "near"], "Who wrote it?")])
def test_a_pair_needs_mappings(loaded, task, got):
    with pytest.raises(mtsmart.MtsmartError) as error:
        loaded.predict(task, got)
    assert str(error.value) == (
        "rows: the task 'near' reads a and b, so a text alone is not enough, got 'Who wrote it?'. "
        "Give mappings: [{'a': ..., 'b': ...}]"
    )


def test_a_run_names_its_folder_alike(loaded):
    assert loaded.path == mtsmart.Run(loaded.path, {}).path


GAPS = {
    "a list": ["red", None, "blue"],
    "numbers": ["red", float("nan"), "blue"],
    "object": pandas.Series(["red", float("nan"), "blue"], dtype="object"),
    "str": pandas.Series(["red", None, "blue"], dtype="str"),
    "string": pandas.Series(["red", None, "blue"], dtype="string"),
    "iterator": iter(["red", None, "blue"]),
}


@pytest.mark.parametrize("name", list(GAPS))
def test_a_missing_one_of_several_texts_has_no_prediction(loaded, name):
    with pytest.warns(match="1 of 3 rows lacks a text"):
        rows = loaded.predict("color", GAPS[name])
    assert rows == loaded.predict("color", pandas.DataFrame({"text": ["red", None, "blue"]}))
    assert list(rows[1].values()) == [None] * 3


def test_a_missing_text_has_no_probabilities(loaded):
    with pytest.warns(match="2 of 2 rows lack a text"):
        assert np.isnan(loaded.predict_proba("color", [None, float("nan")])).all()


def test_a_missing_text_is_too_little_for_a_pair(loaded):
    with pytest.raises(mtsmart.MtsmartError, match="the task 'near' reads a and b, so a text alone is not enough"):
        loaded.predict("near", [None])


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_warning_names_the_line_that_called(loaded, method):
    with pytest.warns(MtsmartWarning) as told:
        getattr(loaded, method)("color", [None])
    assert [warning.filename for warning in told] == [__file__]


def test_a_warning_of_training_names_the_line_that_called(workspace):
    with pytest.warns(MtsmartWarning) as told:
        mtsmart.train(workspace.experiment, ["training.max_updates=1"], output_dir="other")
    assert {warning.filename for warning in told if issubclass(warning.category, MtsmartWarning)} == {__file__}
