"""Data files: what is read, and which line an error names."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.data.files import read_table
from mtsmart.errors import DataError


def write(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", 'a,b\n1,"x, ""y""\nz"\nNA,null\n'),
        ("x.csv", '\ufeffa,b\r\n1,"x, ""y""\nz"\r\nNA,null\r\n'),
        ("x.jsonl", '{"a": "1", "b": "x, \\"y\\"\\nz"}\n\n{"a": "NA", "b": "null"}\n'),
    ],
)
def test_text_stays_text(tmp_path, name, content):
    rows = read_table(write(tmp_path, name, content)).to_pylist()
    assert rows == [{"a": "1", "b": 'x, "y"\nz'}, {"a": "NA", "b": "null"}]


def test_tsv_has_no_quoting(tmp_path):
    rows = read_table(write(tmp_path, "x.tsv", "a\tb\n\"open quote\tit's, fine\n")).to_pylist()
    assert rows == [{"a": '"open quote', "b": "it's, fine"}]


def test_parquet(tmp_path):
    table = pa.table({"a": ["x", "y"], "n": [1.5, 2.5]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").equals(table)


def test_jsonl_fills_missing_keys_with_none(tmp_path):
    rows = read_table(write(tmp_path, "x.jsonl", '{"a": 1}\n{"a": 2, "b": 0.5}\n')).to_pylist()
    assert rows == [{"a": 1, "b": None}, {"a": 2, "b": 0.5}]


def test_many_rows_come_in_chunks(tmp_path):
    count = 25_000
    table = read_table(write(tmp_path, "x.jsonl", "".join(f'{{"n": {i}}}\n' for i in range(count))))
    assert table.column("n").to_pylist() == list(range(count))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "a", r"unknown kind of data file, got '\.txt'"),
        ("x.csv", "", "is empty"),
        ("x.csv", "a,b\n", "has no rows"),
        ("x.csv", "a,a\n1,2\n", r"x\.csv:1: two columns have the same name, got 'a'"),
        ("x.csv", "a,b\n1,2\n1\n", r"x\.csv:3: has 1 fields where the header has 2"),
        ("x.csv", 'a,b\n1,"open\n', r"x\.csv:2: cannot be read"),
        ("x.tsv", b"a\tb\n1\t\xff\n", "is not UTF-8"),
        ("x.jsonl", '{"a": 1}\n{"a": \n', r"x\.jsonl:2: is not valid JSON"),
        ("x.jsonl", '{"a": 1}\n[1]\n', r"x\.jsonl:2: must be a JSON object, got \[1\]"),
        ("x.jsonl", '{"a": "t"}\n{"a": 1}\n', r"x\.jsonl: a: row 2 is no str like the rows before, got 1"),
        ("x.jsonl", '{"a": [1]}\n{"a": [2]}\n{"a": ["t"]}\n{"a": [3]}', r"a: row 3 cannot be stored .*got \['t'\]"),
        ("x.jsonl", '{"a": 1}\n{"a": 1' + "0" * 30 + "}", r"a: row 2 cannot be stored in one column"),
        ("x.jsonl", '{"a": 1}\n{"a": 2.5}\n{"a": "x"}', r"a: row 3 is no int like the rows before, got 'x'"),
        ("x.jsonl", '{"a": ' + "9" * 5000 + "}", r"x\.jsonl:1: holds a number with too many digits"),
        ("x.jsonl", '{"a": 1}\n{"\\ud800": 1}', r"is no name for a column"),
        ("x.jsonl", '{"a": "b"}\n{"a": "\\ud800"}', r"a: row 2 cannot be stored in one column"),
        ("x.csv", 'a,b\n1,2\n"x\ny","z\nw",3\n', r"x\.csv:3: has 3 fields where the header has 2"),
        ("x.csv", 'a,b\n1,"open\n1,2\n1,2\n', r"x\.csv:2: cannot be read"),
        ("x.jsonl", "[" * 100_000, r"x\.jsonl:1: is not valid JSON"),
        ("x.jsonl", b'{"a": "\xff"}', r"x\.jsonl:1: is not UTF-8"),
        ("x.parquet", "PAR1", "is not a readable parquet file"),
    ],
)
def test_refusals_name_the_line(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, name, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="gone.csv: there is no such file"):
        read_table(tmp_path / "gone.csv")


EARLY = 10_000  # rows that are read together


@pytest.mark.parametrize(
    ("early", "later", "message"),
    [
        ({"a": 1}, ['{"a": "yes"}', '{"a": 2}'], r"a: row 10001 is no int like the rows before, got 'yes'"),
        ({"a": 1}, ['{"a": 3}', '{"a": "yes"}'], r"a: row 10002 is no int like the rows before, got 'yes'"),
        ({"a": 1}, ['{"a": true}'], r"a: row 10001 is no int like the rows before, got True"),
        ({"a": []}, ['{"a": "q"}'], r"a: row 10001 is no list like the rows before, got 'q'"),
        ({"a": {"b": 1}}, ['{"a": {"b": "c"}}'], r"a: row 10001 cannot be stored in one column"),
    ],
)
def test_a_type_that_changes_far_down_is_named(tmp_path, early, later, message):
    lines = [json.dumps(early)] * EARLY + later
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, "x.jsonl", "\n".join(lines)))


def test_a_column_that_begins_or_ends_far_down_is_kept(tmp_path):
    lines = ['{"a": 1, "early": "e"}'] * EARLY + ['{"a": 2.5, "late": "l"}']
    table = read_table(write(tmp_path, "x.jsonl", "\n".join(lines)))
    assert table.column_names == ["a", "early", "late"]
    assert table.slice(EARLY - 1).to_pylist() == [
        {"a": 1.0, "early": "e", "late": None},
        {"a": 2.5, "early": None, "late": "l"},
    ]


def test_blank_lines_in_a_file_with_one_column_are_rows_but_at_the_end(tmp_path):
    rows = read_table(write(tmp_path, "x.csv", "text\none\n\nthree\n\n\n")).to_pylist()
    assert rows == [{"text": "one"}, {"text": ""}, {"text": "three"}]
    rows = read_table(write(tmp_path, "y.csv", "a,b\n1,2\n\n3,4\n")).to_pylist()
    assert rows == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
