"""Rows of ``datasets`` that are made of tables."""

import datasets
import pyarrow as pa
import pytest

from mtsmart.data.tables.whole_rows import rows_of_table, with_column
from tests.package_source import MODULES


def test_a_column_is_added_or_takes_the_place_of_another():
    rows = rows_of_table(pa.table({"a": [1, 2], "b": ["x", "y"]}))
    assert with_column(rows, "c", [3, 4]).to_list() == [{"a": 1, "b": "x", "c": 3}, {"a": 2, "b": "y", "c": 4}]
    changed = with_column(rows, "a", ["5", "6"], datasets.Value("large_string"))
    assert changed["a"][:] == ["5", "6"] and changed.features["a"].dtype == "large_string"


@pytest.mark.parametrize("values", [["x", "y"], pa.chunked_array([["x", "y"]])], ids=["list", "arrow"])
@pytest.mark.parametrize("feature", [None, datasets.Value("large_string")], ids=["as the values say", "given"])
def test_the_only_column_may_be_replaced(values, feature):
    changed = with_column(rows_of_table(pa.table({"a": [1, 2]})), "a", values, feature)
    assert changed["a"][:] == ["x", "y"]
    assert changed.features == {"a": feature or datasets.Value("string")}


@pytest.mark.parametrize("values", [[0, 1, 2], pa.chunked_array([[0, 1, 2]])], ids=["list", "arrow"])
def test_no_value_is_hashed(monkeypatch, values):
    refuse = lambda *args, **kwargs: pytest.fail("hashed")  # noqa: E731
    for name in ("generate_fingerprint", "update_fingerprint"):
        monkeypatch.setattr(f"datasets.arrow_dataset.{name}", refuse)
    rows = rows_of_table(pa.table({"a": values}))
    assert with_column(rows, "b", values).column_names == ["a", "b"]


def test_one_module_makes_fingerprints():
    having = [path.name for path in MODULES if "fingerprint=uuid" in path.read_text()]
    assert having == ["whole_rows.py"]
