"""Arrow's types in parquet files: views, dictionaries, and bytes that are texts."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.data.readers import read_table, whole_rows
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import DatasetSource


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None, "long enough to be no inline view"], pa.string_view()),
        pa.array([["a"], None, []], pa.list_(pa.string_view())),
        pa.array([["a"], None, []], pa.list_view(pa.string())),
        pa.array([{"t": "a"}, None, {"t": None}], pa.struct([("t", pa.string_view())])),
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.ListArray.from_arrays([0, 1, 1, 3], pa.array(["a", "b", "a"]).dictionary_encode()),
        pa.array(["a", None, "b"], pa.large_string()),
    ],
    ids=lambda array: str(array.type)[:40],
)
def test_arrows_other_types_hold_the_same_values(tmp_path, array):
    pq.write_table(pa.table({"x": array}), tmp_path / "x.parquet")
    column = read_table(tmp_path / "x.parquet", wanted=["x"]).column("x")
    assert column.to_pylist() == array.to_pylist()
    assert not any(word in str(column.type) for word in ("view", "dictionary"))


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.dictionary(pa.int32(), pa.binary()), pa.binary(2)]
)
def test_bytes_that_are_text_are_read_as_text(tmp_path, kind):
    values = [b"ab", None, "\u00e9".encode()]
    column = pa.array(values, kind) if not pa.types.is_dictionary(kind) else pa.array(values).dictionary_encode()
    pq.write_table(pa.table({"a": column, "b": column}), tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet", wanted=["a"])
    assert table.column("a").to_pylist() == ["ab", None, "\u00e9"]
    rows = list(whole_rows(tmp_path / "x.parquet", DatasetSource(files={"train": "x.parquet"})))
    assert rows[2] == {"a": "\u00e9", "b": "\u00e9"}


def test_bytes_within_lists_and_objects_are_read_as_text(tmp_path):
    column = pa.array([[{"w": b"a"}], [], [{"w": b"\xc3\xa9"}, {"w": None}]])
    pq.write_table(pa.table({"a": column, "n": [1, 2, 3]}), tmp_path / "x.parquet")
    found = read_table(tmp_path / "x.parquet", wanted=["a", "n"]).to_pydict()
    assert found == {"a": [[{"w": "a"}], [], [{"w": "\u00e9"}, {"w": None}]], "n": [1, 2, 3]}


def test_bytes_that_are_no_text_are_refused_only_where_they_are_read(tmp_path):
    pq.write_table(pa.table({"a": ["x"] * 10_002, "b": [b"y"] * 10_001 + [b"\xff\xfe"]}), tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet", wanted=["a"]).num_rows == 10_002
    with pytest.raises(DataError, match=r"x\.parquet: b: row 10002 holds bytes that are no text in UTF-8"):
        read_table(tmp_path / "x.parquet", wanted=["a", "b"])
    last = list(whole_rows(tmp_path / "x.parquet", DatasetSource(files={"train": "x.parquet"})))[-1]
    assert last == {"a": "x", "b": b"\xff\xfe"}
