"""What ``predict`` takes: texts, mappings, tables of other libraries and data sets; what it says to the rest."""

import datasets
import pandas
import pyarrow
import pytest

import mtsmart

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


@pytest.mark.parametrize(
    ("rows", "place", "shown"),
    [
        (pandas.Series(["red", float("nan"), "blue"], dtype="object"), 2, "nan"),
        (pandas.Series(["red", "blue", None], dtype="str"), 3, "nan"),
        (pandas.Series([None, "red"], dtype="string"), 1, "<NA>"),
        (iter(["red", float("nan")]), 2, "nan"),
    ],
    ids=["object", "str", "string", "iterator"],
)
def test_a_gap_in_a_series_of_texts_is_named(loaded, rows, place, shown):
    with pytest.raises(mtsmart.MtsmartError) as error:
        loaded.predict("color", rows)
    assert str(error.value) == f"rows: item {place} should be a text or a mapping with texts as keys, got {shown}"


def test_a_single_row_is_one_in_words(loaded):
    with pytest.warns(match=r"^task color: 1 row lacks a text and gets no prediction \(null\); it is row 1$"):
        loaded.predict("color", {"text": None})
    with pytest.warns(match=r"^task color: 1 of 2 rows lacks a text and gets no prediction \(null\); it is row 2$"):
        loaded.predict("color", ["red", ""])
