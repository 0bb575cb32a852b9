"""Data files: what is read, and which line an error names."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.data.readers import Layout, columns, lines, packed, read_source_file, read_table, shapes
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import DatasetSource


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
        ("x.xlsx", "a", r"unknown kind of data file, got '\.xlsx'. Save the sheet as csv"),
        ("x.csv", "", "is empty"),
        ("x.csv", "a,b\n", "has no rows"),
        ("x.csv", "a,a\n1,2\n", r"x\.csv:1: two columns have the same name, got 'a'"),
        ("x.csv", "a,b\n1,2\n1\n", r"x\.csv:3: has 1 field where the header has 2"),
        ("x.csv", 'a,b\n1,"open\n', r"x\.csv:2: cannot be read"),
        ("x.tsv", b"a\tb\n1\t\xff\n", "is not UTF-8"),
        ("x.jsonl", '{"a": 1}\n{"a": \n', r"x\.jsonl:2: is not valid JSON"),
        ("x.jsonl", '{"a": 1}\n[1]\n', r"x\.jsonl:2: must be a JSON object, got \[1\]"),
        (
            "x.jsonl",
            '{"a": "t"}\n{"a": 1}\n',
            r"x\.jsonl: a: row 2 is a whole number, and row 1 is a text \('t'\), got 1. Write all .*parse: \{a: text",
        ),
        ("x.jsonl", '{"a": [1]}\n{"a": [2]}\n{"a": ["t"]}\n{"a": [3]}', r"a: row 3 cannot be stored .*got \['t'\]"),
        ("x.jsonl", '{"a": 1}\n{"a": 1' + "0" * 30 + "}", r"a: row 2 cannot be stored in one column"),
        ("x.jsonl", '{"a": "\\ud83d b"}\n{"a": "t"}', r"a: row 1 holds half of a surrogate pair, which is no text"),
        ("x.jsonl", '{"a": "t"}\n{"a": "b \\ude00"}', r"a: row 2 holds half of a surrogate pair"),
        ("x.jsonl", '{"a": ["t"]}\n{"a": ["t", "\\ud83d"]}', r"a: row 2 holds half of a surrogate pair"),
        (
            "x.jsonl",
            '{"a": 1}\n{"a": 2.5}\n{"a": "x"}',
            r"a: row 3 is a text, and row 1 is a .* \(1\), got 'x'",
        ),
        ("x.jsonl", '{"a": ' + "9" * 5000 + "}", r"x\.jsonl:1: holds a number with too many digits"),
        ("x.jsonl", '{"a": 1}\n{"\\ud800": 1}', r"is no name for a column"),
        ("x.jsonl", '{"a": "b"}\n{"a": "\\ud800"}', r"a: row 2 holds half of a surrogate pair"),
        ("x.csv", 'a,b\n1,2\n"x\ny","z\nw",3\n', r"x\.csv:3: has 3 fields where the header has 2"),
        ("x.csv", 'a,b\n1,"open\n1,2\n1,2\n', r"x\.csv:2: cannot be read"),
        ("x.jsonl", "[" * 100_000, r"x\.jsonl, row 1: is not valid JSON"),
        ("x.jsonl", b'{"a": "\xff"}', r"x\.jsonl:1: is not UTF-8"),
        ("x.jsonl", "".join(f'{{"k{i}": 1}}\n' for i in range(2001)), r"x\.jsonl:2001: has more than 2,000 columns"),
        (
            "x.jsonl",
            "".join(f'{{"m": [{{"k{i}": 1}}]}}\n' for i in range(2001)),
            r"x\.jsonl:2000: m: has more than 2,0",
        ),
        (
            "x.jsonl",
            '{"a": 1}\n{"m": ' + '{"a": ' * 450 + "1" + "}" * 451,
            r"x\.jsonl:2: m: is nested more than 30 levels",
        ),
        ("x.jsonl", '{"m": ' + "[" * 450 + "]" * 450 + "}", r"x\.jsonl:1: m: is nested more than 30 levels"),
        ("x.csv", ",".join(map(str, range(2001))) + "\n", r"x\.csv:1: has more than 2,000 columns, got 2001"),
        ("x.csv", ",".join(map(str, range(200_000))) + ",7\n", r"x\.csv:1: has more than 2,000 columns, got 200001"),
        ("x.csv", ",".join(map(str, range(1999))) + ",7\n", r"x\.csv:1: two columns have the same name, got '7'"),
        ("x.parquet", "PAR1", "is not a readable parquet file"),
    ],
)
def test_refusals_name_the_line(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, name, content))


def test_numbers_and_truth_values_become_texts_where_parse_says_so(tmp_path):
    values = ["x", 3, 1.5, True, None, "", float("nan")]
    source = DatasetSource(files={"train": "x"}, parse={"a": "text"})
    file = write(tmp_path, "x.jsonl", "".join(json.dumps({"a": value, "b": 1}) + "\n" for value in values))
    table = read_source_file(file, source)
    assert table.to_pydict() == {"a": ["x", "3", "1.5", "true", None, "", None], "b": [1] * 7}
    pq.write_table(pa.table({"a": [1, None]}), tmp_path / "x.parquet")
    assert read_source_file(tmp_path / "x.parquet", source).to_pydict() == {"a": ["1", None]}
    with pytest.raises(DataError, match=r"a: row 2 is a list, and row 1 is a text \('1'\)"):
        read_source_file(write(tmp_path, "y.jsonl", '{"a": 1}\n{"a": [1]}'), source)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="gone.csv: there is no such file"):
        read_table(tmp_path / "gone.csv")


EARLY = 10_000  # rows that are read together


@pytest.mark.parametrize(
    ("early", "later", "message"),
    [
        (
            {"a": 1},
            ['{"a": "yes"}', '{"a": 2}'],
            r"a: row 10001 is a text, and row 1 is a .* \(1\), got 'yes'",
        ),
        (
            {"a": 1},
            ['{"a": 3}', '{"a": "yes"}'],
            r"a: row 10002 is a text, and row 1 is a .* \(1\), got 'yes'",
        ),
        ({"a": 1}, ['{"a": true}'], r"a: row 10001 is true or false, and row 1 is a whole number \(1\), got true"),
        ({"a": []}, ['{"a": "q"}'], r"a: row 10001 is a text, and row 1 is a list, got 'q'"),
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
    rows = read_table(write(tmp_path, "z.csv", "\none\n\nthree\n\n"), layout=Layout(columns=["text"])).to_pylist()
    assert rows == [{"text": ""}, {"text": "one"}, {"text": ""}, {"text": "three"}]


def test_a_blank_line_has_no_fields_for_a_column_that_takes_any_number(tmp_path):
    rows = read_table(write(tmp_path, "x.tsv", "\na\tb\n\nc\td\te\n"), layout=Layout(columns=["words..."])).to_pylist()
    assert rows == [{"words": ["a", "b"]}, {"words": ["c", "d", "e"]}]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("blanks", ["\n", "\r\n\r\n"])
def test_blank_lines_before_the_header_are_left_out(tmp_path, ending, blanks):
    rows = read_table(write(tmp_path, f"x.{ending}", f"{blanks}text\none\n\ntwo\n")).to_pylist()
    assert rows == [{"text": "one"}, {"text": ""}, {"text": "two"}]


BAD_LISTS = [
    '[[{"a":1}]',
    '[{"a":1},,{"a":2}]',
    '[{"a":1} {"a":2}]',
    '[,{"a":1}]',
    '[{"a":1},]',
    '[{"a":1}',
    '[{"a":1}]]',
]


@pytest.mark.parametrize("content", [*BAD_LISTS, *(text.replace(",", " ,\n") for text in BAD_LISTS[1:3]), "["])
def test_a_list_has_one_comma_between_two_objects(tmp_path, content):
    with pytest.raises(DataError, match=r"x\.json, row [12]: (is not valid JSON|must be a JSON object)"):
        read_table(write(tmp_path, "x.json", content))


@pytest.mark.parametrize("content", ["[]", " [ \n ] "])
def test_an_empty_list_has_no_rows(tmp_path, content):
    with pytest.raises(DataError, match=r"x\.json: has no rows"):
        read_table(write(tmp_path, "x.json", content))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{{"k{}": 1}}', r"x\.jsonl:15: so far would take 225 fields as columns, where 15 are given"),
        ('{{"m": {{"k{}": 1}}}}', r"x\.jsonl:20: so far would take 420 fields as columns, where 40 are given"),
        ('{{"m": [{{}}, {{}}, {{"k{}": 1}}]}}', r"x\.jsonl:9: so far would take \d+ fields as columns"),
    ],
)
def test_ever_new_keys_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch, row, message):
    monkeypatch.setattr(shapes, "MAX_FIELDS", 200)
    monkeypatch.setattr(shapes, "MAX_SPARED", 10)
    file = write(tmp_path, "x.jsonl", "".join(row.format(i) + "\n" for i in range(20)))
    with pytest.raises(DataError, match=message):
        read_table(file)


def test_many_rows_with_much_the_same_keys_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "MAX_FIELDS", 20)
    rows = [{"a": {"x": 1, "y": [{"z": i}]}} if i % 2 else {"a": {"x": 1}} for i in range(50)]
    table = read_table(write(tmp_path, "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    assert table.num_rows == 50


def test_chunks_are_small_where_rows_are_long(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "MAX_CHUNK", 100)
    table = read_table(write(tmp_path, "x.csv", "a,b\n" + "x,y\n" * 20))  # 22 each
    assert [chunk.num_rows for chunk in pa.table({"a": table.column("a")}).to_batches()] == [4] * 5
    table = read_table(write(tmp_path, "x.jsonl", json.dumps({"a": "x" * 200}) + "\n" + '{"a": "y"}\n' * 9))
    assert [batch.num_rows for batch in table.to_batches()] == [1, 9]


def test_a_line_of_a_few_megabytes_is_read_and_a_longer_one_refused(tmp_path):
    text = "x" * 5_000_000
    assert read_table(write(tmp_path, "x.jsonl", json.dumps({"a": text}))).to_pylist() == [{"a": text}]
    with pytest.raises(DataError, match=r"x\.jsonl:1: is a line of more than 16,000,000 characters"):
        read_table(write(tmp_path, "x.jsonl", b'{"a": [' + b"1," * 8_000_000))


def test_a_row_over_many_lines_is_as_long_as_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE", 20)
    rows = "a,b\n" + 'x,"1\n2\n3"\n' * 9
    assert read_table(write(tmp_path, "x.csv", rows)).num_rows == 9
    with pytest.raises(DataError, match=r"x\.csv:29: begins a row of more than 20 characters"):
        read_table(write(tmp_path, "x.csv", rows + 'x,"' + "1\n" * 9 + '"\n'))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a\n\xff\n", 2),
        ("a\n\u20ac\u20ac\n".encode() + b"b\n\xe2\x82\nc\n", 4),  # the euro sign lies across blocks of 4 bytes
        (b"a\n\n\nb\n\xe2\x82", 5),
        (b"a\n\r\r\rx\n\xff", 6),  # carriage returns alone, as old Macs wrote them
        (b"a\nb\n\r\n\r\nx\r\n\xff", 6),  # a pair of them is one break, also across blocks
    ],
)
def test_what_is_not_utf8_is_found_block_by_block(tmp_path, monkeypatch, content, line):
    monkeypatch.setattr(lines, "BLOCK", 4)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read as a whole"))
    for name in ("x.csv", "x.jsonl"):
        file = tmp_path / name
        file.write_bytes(content if name == "x.csv" else content.replace(b"a\n", b'{"a": 1}\n').replace(b"b\n", b"\n"))
        with pytest.raises(DataError, match=rf"{name}:{line}: is not UTF-8"):
            read_table(file)


TEXT = "x" * 100_000


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([[TEXT]] * 60, pa.list_(pa.string())),
        ([[TEXT] * 60], pa.list_(pa.string())),
        ([{"a": [{"b": TEXT}]}] * 60, pa.struct({"a": pa.list_(pa.struct({"b": pa.string()}))})),
        ([[("k", TEXT)]] * 60, pa.map_(pa.string(), pa.string())),
        ([TEXT] * 60, pa.large_string()),
        ([TEXT.encode()] * 60, pa.large_binary()),
        ([TEXT.encode()] * 60, pa.binary()),
    ],
    ids=lambda value: str(value) if isinstance(value, pa.DataType) else f"{len(value)} rows",
)
def test_parquet_texts_that_repeat_are_refused_before_they_fill_the_memory(tmp_path, monkeypatch, values, type_):
    monkeypatch.setattr(packed, "MAX_EXPANDED", 5_000_000)
    # Not made while tests are collected: pyarrow copies the texts, 6 MB for each column.
    column = pa.array(values, type_)
    pq.write_table(pa.table({"a": column}), tmp_path / "x.parquet", compression="zstd")
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(DataError, match="takes more than 5 MB"):
            read_table(tmp_path / "x.parquet")
    finally:
        pa.set_memory_pool(usual)
    assert pool.max_memory() < 2_000_000


def test_parquet_of_nested_columns(tmp_path):
    columns = {
        "list": pa.array([["x", None], None, []]),
        "struct": pa.array([{"t": "q", "l": ["z"]}, None, {"t": None, "l": None}]),
        "map": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())),
        "large": pa.array([["a"], ["b"], None], pa.large_list(pa.large_string())),
        "fixed": pa.array([["a", "b"]] * 3, pa.list_(pa.string(), 2)),
        "view": pa.array(["a", "b", None], pa.string_view()),
        "dotted.name": pa.array([b"a", b"b", None]),
        "decimal": pa.array([1, 2, None]).cast(pa.decimal128(30, 2)),
        "bool": pa.array([True, None, False]),
        "none": pa.nulls(3),
    }
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    plain = {**columns, "view": columns["view"].cast(pa.string())}
    assert read_table(tmp_path / "x.parquet").equals(pa.table(plain))
    dictionary = pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()})
    pq.write_table(dictionary, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").equals(pa.table({"a": ["x", "y", "x"]}))


def test_parquet_that_is_too_wide_or_too_deep(tmp_path):
    kind = pa.int64()
    for _ in range(40):
        kind = pa.list_(kind)
    pq.write_table(pa.table({"a": pa.nulls(1, kind)}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet: a: is nested more than 30 levels deep"):
        read_table(tmp_path / "x.parquet")
    pq.write_table(pa.table({f"c{i}": [1] for i in range(2001)}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet: has more than 2,000 columns, got 2001"):
        read_table(tmp_path / "x.parquet")


@pytest.mark.parametrize("written", [{"row_group_size": 300}, {"dictionary_pagesize_limit": 2000}])
def test_parquet_of_nested_texts_in_parts(tmp_path, written):
    """Several row groups in a batch, and texts that begin as a dictionary and end plain."""
    rows = pa.table({"words": [[f"word{row}", f"word{row % 700}"] for row in range(2000)], "label": ["x"] * 2000})
    pq.write_table(rows, tmp_path / "d.parquet", **written)
    assert read_table(tmp_path / "d.parquet").equals(rows)


def test_rows_that_have_some_of_many_keys_are_read(tmp_path):
    rows = [{f"key{(row * 5 + number) % 60}": 1 for number in range(5)} for row in range(75_000)]
    file = write(tmp_path, "d.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read_table(file).num_columns == 60
