"""Fields that stand for something else, files without a header, and how errors name them."""

import json

import pytest

from mtsmart.config.document import Document
from mtsmart.config.sections import DataConfig
from mtsmart.config.validate import validate
from mtsmart.data.readers import Layout, read_table
from mtsmart.data.sources import load_split
from mtsmart.errors import ConfigError, DataError
from mtsmart.tasks import TaskDefinition


def task(**dataset):
    return validate(TaskDefinition, Document({"task_type": "x", "dataset": dataset, "text": ["a"], "label": "b"}))


def rows_of(tmp_path, content, name="x.tsv", **dataset):
    (tmp_path / name).write_text(content)
    definition = task(files={"train": str(tmp_path / name)}, **dataset)
    return load_split("mine", definition, "train", ["a"], DataConfig()).to_list()


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ("json", '{"x": [1, null]}', {"x": [1, None]}),
        ("list", '["a", "it\'s"]', ["a", "it's"]),
        ("list", "['a', \"it's\"]", ["a", "it's"]),
        ("list", "['4_2 \u00e4', '1_000']", ["4_2 \u00e4", "1_000"]),
        ("numbers", "1,0, 0.5", [1.0, 0.0, 0.5]),
        ("numbers", "[1, 0]", [1.0, 0.0]),
        ("names", "good, bad", ["good", "bad"]),
        ("first", '["yes", "no"]', "yes"),
        ("answer", "4:::7:::0:::cat:::s", {"text": ["cat:::s"], "answer_start": [4]}),
        ("answer", "-1:::-1:::1:::", {"text": [], "answer_start": []}),
        ("answer", "4:::7:::1:::cat", {"text": [], "answer_start": []}),
        ("answers", '[{"text": "cat", "answer_start": 4}]', {"text": ["cat"], "answer_start": [4]}),
        ("answers", "[]", {"text": [], "answer_start": []}),
    ],
)
def test_forms(tmp_path, form, field, value):
    rows = rows_of(tmp_path, f"{field}\ta cat\n", columns=["b", "a"], parse={"b": form})
    assert rows == [{"a": "a cat", "b": value, "row": 0}]


def test_an_empty_field_is_missing(tmp_path):
    rows = rows_of(tmp_path, "1\tx\n\ty\n", columns=["b", "a"], parse={"b": "numbers"})
    assert [row["b"] for row in rows] == [[1.0], None]


def test_the_format_may_be_named(tmp_path):
    rows = rows_of(tmp_path, '{"a": "x", "b": ["y"]}\n', name="x.json", format="jsonl", parse={"b": "first"})
    assert rows == [{"a": "x", "b": "y", "row": 0}]


@pytest.mark.parametrize(
    ("form", "field", "message"),
    [
        ("json", "{", r"x.tsv, row 2: b: is not valid JSON, got '{'"),
        ("list", "a, b", r"x.tsv, row 2: b: is not a list, got 'a, b'. Example"),
        ("list", "__import__('os')", r"row 2: b: is not a list"),
        ("numbers", "1,x", r"row 2: b: 'x' is no number, got '1,x'"),
        ("numbers", "[1" + "0" * 400 + ",0]", r"row 2: b: 1000.* is no number, got '\[1000"),
        ("numbers", "1_000, 2", r"row 2: b: '1_000' is no number, got '1_000, 2'"),
        ("numbers", "[1_000, 2]", r"row 2: b: is not a list, got '\[1_000, 2\]'"),
        ("list", "['\u00e4_1', 1_0.5]", r"row 2: b: is not a list"),
        ("numbers", "nan", r"row 2: b: 'nan' is no number"),
        ("list", "[" + "1," * 50_000 + "'a']", r"row 2: b: is not a list, .*more than 100,000 characters must be JSON"),
        ("json", "[" * 450 + "]" * 450, r"x.tsv, row 2: b: is nested more than 30 levels deep"),
        ("json", json.dumps({f"k{i}": 1 for i in range(2001)}), r"x.tsv, row 2: b: has more than 2,000 columns"),
        ("answer", "cat", r"row 2: b: is no answer, got 'cat'. Expected: start:::end:::impossible:::text"),
        ("answers", '["cat"]', r"row 2: b: is no list of answers"),
    ],
)
def test_a_field_that_is_not_of_its_form_is_named(tmp_path, form, field, message):
    good = {"answer": "0:::1:::0:::x", "answers": "[]", "numbers": "1"}.get(form, "[1]")
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path, f"{good}\tx\n{field}\tx\n", columns=["b", "a"], parse={"b": form})


def test_columns_of_files_without_a_header(tmp_path):
    (tmp_path / "x.csv").write_text('1,"x, y"\n\n2,z\n')
    assert read_table(tmp_path / "x.csv", layout=Layout(columns=["n", "t"])).to_pylist() == [
        {"n": "1", "t": "x, y"},
        {"n": "2", "t": "z"},
    ]
    (tmp_path / "x.tsv").write_text("1\tx\n2\ty\tz\n")
    assert read_table(tmp_path / "x.tsv", layout=Layout(columns=["n", "t..."])).to_pylist() == [
        {"n": "1", "t": ["x"]},
        {"n": "2", "t": ["y", "z"]},
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a"], r"x.tsv:1: has 2 fields where 'columns' names 1, .*Expected: a"),
        (["a", "b", "c"], r"x.tsv:1: has 2 fields where 'columns' names 3"),
        (["a", "b", "c..."], r"x.tsv:1: has 2 fields where 'columns' names at least 3"),
    ],
)
def test_a_line_with_another_number_of_fields_is_named(tmp_path, columns, message):
    (tmp_path / "x.tsv").write_text("1\t2\n")
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "x.tsv", layout=Layout(columns=columns))


def test_columns_go_with_csv_and_tsv(tmp_path):
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="x.jsonl: 'columns' goes with csv, tsv and conll files"):
        read_table(tmp_path / "x.jsonl", layout=Layout(columns=["a"]))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"path": "x", "columns": ["a"]}, "'columns' goes with 'files', not with 'path'"),
        ({"files": {}, "columns": ["a", "a..."]}, "two columns have the same name"),
        ({"files": {}, "columns": ["a...", "b"]}, "only the last column may take all further fields"),
        ({"files": {}, "columns": ["a"], "parse": {"b": "json"}}, "'parse' names 'b', which 'columns' lacks"),
        ({"files": {}, "parse": {"b": "jsn"}}, r"is not one of the choices, got 'jsn'. Did you mean 'json'\?"),
        ({"files": {}, "format": "txt"}, "is not one of the choices, got 'txt'"),
    ],
)
def test_settings_that_do_not_fit(dataset, message):
    with pytest.raises(ConfigError, match=message):
        task(**dataset)


def test_a_field_that_kept_its_quotes_is_told_so():
    import pyarrow as pa

    from mtsmart.data.readers import parse_fields

    table = pa.table({"x": ['"[""a""]"']})
    with pytest.raises(DataError, match="row 1: x: is not a list.*tsv is read without quoting"):
        parse_fields(table, {"x": "list"}, "f.tsv")
