"""Files whose bytes are few and whose rows or values are many: each is refused in one sentence, or read in parts."""

import bz2
import gzip
import json
import os
import re
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.speed.process_memory import status
from mtsmart.data.readers import open_clone, packed, parse_fields, read_table, spilled
from mtsmart.errors import DataError
from tests.conftest import quick_are

ROWS = 4_000_000
TOO_LARGE = r"takes more than 48 MB when it is read"

SMALL = {
    "nulls": pa.nulls(ROWS),
    "missing booleans": pa.nulls(ROWS, pa.bool_()),
    "booleans": pa.repeat(True, ROWS),
    "numbers of one byte": pa.repeat(pa.scalar(7, pa.int8()), ROWS),
    "one text": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), ROWS), pa.array(["x"])),
    "missing texts": pa.nulls(ROWS, pa.string()),
    "missing objects": pa.nulls(ROWS, pa.struct([("a", pa.bool_())])),
    "empty lists": pa.ListArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), ROWS + 1), pa.array([], pa.int8())),
    "one list of booleans": pa.ListArray.from_arrays([0, 7_000_000], pa.repeat(True, 7_000_000)),
    "one list of nulls": pa.ListArray.from_arrays([0, 7_000_000], pa.nulls(7_000_000)),
}


@pytest.mark.parametrize("kind", SMALL)
def test_parquet_of_many_rows_that_take_no_bytes(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(packed, "MAX_EXPANDED", 50_000_000)
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": SMALL[kind]}), file, compression="zstd")
    assert file.stat().st_size < 100_000
    with pytest.raises(DataError, match=rf"x\.parquet: {TOO_LARGE}"):
        read_table(file)


def test_parquet_of_many_small_values_is_read(tmp_path):
    columns = {"label": pa.repeat(pa.scalar(1, pa.int8()), 1_000_000), "known": pa.nulls(1_000_000, pa.bool_())}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").equals(pa.table(columns))


def test_parquet_without_columns_that_states_many_rows(tmp_path):
    rows = pa.RecordBatch.from_struct_array(pa.array([{}] * 5, pa.struct([])))
    pq.write_table(pa.Table.from_batches([rows]), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    start, footer = whole[: -8 - length], whole[-8 - length : -8]
    many = b"\x16\x80\xc0\xca\xf3\x84\xa3\x02"  # 5 * 10 ** 12 rows, as Thrift writes the number
    parts = [b"\x16\x00\x19\x1c\x19", b"\x19\x0c\x16\x00\x16\x00"]  # the rows of the file, and those of its row group
    for place, found in enumerate(parts):
        assert footer.count(found) == 1
        changed = footer.replace(found, many + found[2:] if place == 0 else found[:-2] + many)
        file = tmp_path / f"{place}.parquet"
        file.write_bytes(start + changed + len(changed).to_bytes(4, "little") + b"PAR1")
        with pytest.raises(DataError, match=r"takes more than 512 MB"):
            read_table(file)


def short_rows(ending: str, rows: int) -> bytes:
    if ending == ".json":
        return b"[" + b'{"a":1},' * (rows - 1) + b'{"a":1}]'
    if ending == ".jsonl":
        return b'{"a":1}\n' * rows
    return b"text\n" + b"a\n" * rows


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json"])
@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compressed_files_of_many_short_rows(tmp_path, monkeypatch, ending, compress):
    monkeypatch.setattr(packed, "MAX_EXPANDED", 1_000_000)
    file = tmp_path / f"x{ending}.{'gz' if compress is gzip.compress else 'bz2'}"
    file.write_bytes(compress(short_rows(ending, 50_000)))
    with pytest.raises(DataError, match=rf"{re.escape(file.name)}: takes more than 1 MB"):
        read_table(file)
    file.write_bytes(compress(short_rows(ending, 10_000)))
    assert read_table(file).num_rows == 10_000


def test_what_a_row_takes_counts_once(tmp_path, monkeypatch):
    """A row of this file takes 8 bytes for the number, one bit that says whether it is there, and 16 for the row."""
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 50_000))
    monkeypatch.setattr(packed, "MAX_EXPANDED", 1_250_000)
    assert read_table(tmp_path / "x.jsonl.gz").num_rows == 50_000
    monkeypatch.setattr(packed, "MAX_EXPANDED", 1_190_000)
    with pytest.raises(DataError, match="takes more than 1 MB"):
        read_table(tmp_path / "x.jsonl.gz")


def test_columns_that_come_far_down_count_for_all_rows(tmp_path, monkeypatch):
    rows = "".join(f'{{"k{row // 10_000}": 1}}\n' for row in range(60_000))
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    assert read_table(tmp_path / "x.jsonl.gz").num_columns == 6
    monkeypatch.setattr(packed, "MAX_EXPANDED", 3_000_000)  # the rows alone take less
    with pytest.raises(DataError, match="takes more than 3 MB"):
        read_table(tmp_path / "x.jsonl.gz")


def test_blank_lines_are_counted_not_kept(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n" + "\n" * 50_000 + "1,2\n")
    tracemalloc.start()
    try:
        assert read_table(tmp_path / "x.csv").to_pylist() == [{"a": "1", "b": "2"}]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


LONG = "n" * 1001


def test_names_of_columns_that_every_part_would_have_again(tmp_path):
    (tmp_path / "x.csv").write_text(f"text,{LONG}\n1,2\n")
    with pytest.raises(DataError, match=r"x\.csv:1: a column has a name of more than 1,000 characters, got 'nnn"):
        read_table(tmp_path / "x.csv")
    for column, name in ((pa.array([1]), LONG), (pa.array([{LONG: 1}]), "a"), (pa.array([[{"b": {LONG: 1}}]]), "a")):
        pq.write_table(pa.table({name: column}), tmp_path / "x.parquet")
        with pytest.raises(DataError, match=r"x\.parquet: a column has a name of more than 1,000 characters"):
            read_table(tmp_path / "x.parquet")


@pytest.mark.parametrize("separator", quick_are([",", ", ", " ,\n"], " ,\n"))
def test_a_json_list_is_read_wherever_a_block_ends(tmp_path, separator):
    """An object takes 16 characters, so a block ends right behind one, behind a comma or behind a blank."""
    width = 16 - len(separator) - len('{"a":""}')
    rows = [{"a": f"{row % 10}" * width} for row in range(70_000)]
    listed = separator.join(json.dumps(row, separators=(",", ":")) for row in rows)
    for blanks in range(3):
        (tmp_path / "x.json").write_text("[" + " " * blanks + listed + "]\n\n")
        assert read_table(tmp_path / "x.json").num_rows == len(rows)
    assert read_table(tmp_path / "x.json").to_pylist() == rows


def test_a_json_list_of_long_objects(tmp_path):
    rows = [{"a": letter * 2_500_000, "b": [1, 2]} for letter in "xyz"]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    assert read_table(tmp_path / "x.json").to_pylist() == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}] x', r"x\.json, row 2: is not valid JSON$"),
        ('[{"a": 1}]' + " " * 3_000_000 + "x", r"x\.json, row 2: is not valid JSON$"),
        ('[{"a": 1}, {"a": 2}', r"x\.json, row 3: is not valid JSON$"),
        ('[{"a": 1}, {"a": "', r"x\.json, row 2: is not valid JSON$"),
        ('[{"a": 1}, 7]', r"x\.json, row 2: must be a JSON object, got 7"),
        ('[{"a": 1}, {"a": ?}, ' + '{"a": 1},' * 300_000 + "]", r"x\.json, row 2: is not valid JSON, or is too large"),
        ('[{"a": 1}, {"a": "' + "x" * 20_000_000 + '"}]', r"x\.json, row 2: is not valid JSON, or is too large"),
    ],
)
def test_a_json_list_that_is_none(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "x.json")


def test_a_json_list_with_blanks_behind_it(tmp_path):
    (tmp_path / "x.json").write_text('[{"a": 1}]' + " \n" * 1_500_000)
    assert read_table(tmp_path / "x.json").to_pylist() == [{"a": 1}]


def test_a_whole_number_that_is_too_long_for_the_fractions_far_down(tmp_path):
    whole = 2**60 + 1
    numbers = [*([1] * 500), whole, *([1] * 9_600), 0.5]
    (tmp_path / "x.jsonl").write_text("".join(f'{{"a": {number}}}\n' for number in numbers))
    message = rf"a: row 501 cannot be stored in one column with the other rows, got {whole}"
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "x.jsonl")
    table = pa.chunked_array([[str(number) for number in part] for part in (numbers[:9_000], numbers[9_000:])])
    with pytest.raises(DataError, match=message):
        parse_fields(pa.table({"a": table}), {"a": "json"}, "x.csv")


def test_fields_are_parsed_in_parts_to_the_same_column():
    values = [{"a": row} if row % 3 else {"a": row, "b": [0.5]} for row in range(25_000)]
    table = pa.table({"x": list(map(json.dumps, values))})
    parsed = parse_fields(table, {"x": "json"}, "x.csv").column("x")
    whole = pa.chunked_array([pa.array(values)])
    assert parsed.type == whole.type
    assert parsed.equals(whole)
    assert max(map(len, parsed.chunks)) <= 10_000


def test_long_fields_are_parsed_a_few_at_a_time():
    table = pa.table({"x": ['["' + "x" * 3_000_000 + '"]'] * 12})
    parsed = parse_fields(table, {"x": "list"}, "x.csv").column("x")
    assert [len(chunk) for chunk in parsed.chunks] == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", r"x\.csv, row 15001: x: is not valid JSON, got '\{'"),
        ('"text"', r"x\.csv: x: row 15001 is a text, and row 1 is a whole number \(1\), got 'text'"),
        ("[" * 40 + "]" * 40, r"x\.csv, row 15001: x: is nested more than 30 levels deep"),
    ],
)
def test_a_field_far_down_is_named(bad, message):
    table = pa.table({"x": [*(["1"] * 15_000), bad, "1"]})
    with pytest.raises(DataError, match=message):
        parse_fields(table, {"x": "json"}, "x.csv")


def test_a_part_whose_rows_have_no_keys_keeps_its_rows(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}\n" * 10_000 + '{"a": 1}\n' + "{}\n" * 20_000)
    table = read_table(tmp_path / "train.jsonl")
    assert table.column("a").to_pylist() == [*([None] * 10_000), 1, *([None] * 20_000)]
    assert spilled(open_clone(tmp_path, None).tables("train"), tmp_path / "there").equals(table)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell a process's open files")
def test_rows_whose_types_change_often_are_in_one_open_file(tmp_path):
    tables = [pa.table({"a": [part] if part % 2 else [part + 0.5]}) for part in range(100)]
    before = len(os.listdir("/proc/self/fd"))
    rows = spilled(iter(tables), tmp_path)
    assert len(os.listdir("/proc/self/fd")) - before <= 1
    assert rows.column("a").to_pylist() == [part if part % 2 else part + 0.5 for part in range(100)]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell how much is reserved")
def test_a_damaged_file_keeps_no_memory(tmp_path):
    """Of the many that a long process may be given."""
    file = tmp_path / "x.jsonl.gz"
    file.write_bytes(gzip.compress(b"{}\n" * 9)[:-12])
    before = status("VmSize")
    for _ in range(300):
        with pytest.raises(DataError, match="cannot be expanded"):
            read_table(file)
    assert status("VmSize") - before < 2**26
