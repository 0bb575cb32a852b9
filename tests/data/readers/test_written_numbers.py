"""Numbers as people write them, read by ``parse: {column: decimal_comma}`` and ``decimal_point``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.data.readers.forms.written_numbers import DECIMAL_COMMA, DECIMAL_POINT
from mtsmart.errors import DataError
from tests.data.readers.test_fields import rows_of


@given(
    number=st.integers(-(10**12), 10**12),
    places=st.integers(0, 6),
    blank=st.sampled_from(["", " ", "\u00a0", "\u202f", "'", "\u2019"]),
    sign=st.sampled_from(["", " %", "%", " \u20ac", "$"]),
)
def test_a_number_is_what_its_digits_say(number, places, blank, sign):
    value = number / 10**places
    for writing in (DECIMAL_POINT, DECIMAL_COMMA):
        text = f"{value:,.{places}f}".replace(",", "T").replace(".", writing.decimal)
        for parting in {blank, writing.thousands, ""}:
            assert writing.number(text.replace("T", parting) + sign) == pytest.approx(float(f"{value:.{places}f}"))


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("3,5", None, 3.5),
        ("3.5", 3.5, None),
        ("1.234", 1.234, 1234.0),
        ("1,234", 1234.0, 1.234),
        ("1,234.5", 1234.5, None),
        ("1.234,5", None, 1234.5),
        ("1.23.456", None, None),
        ("\u22121,5", None, -1.5),
        ("-85 %", -85.0, -85.0),
        (",5", None, 0.5),
        ("", None, None),
        ("%", None, None),
        ("<5", None, None),
        ("5-10", None, None),
        ("5+", None, None),
        ("1e3", None, None),
        ("12:30", None, None),
        ("2024-01-02", None, None),
        ("4 stars", None, None),
        ("\u0665", None, None),
    ],
)
def test_what_is_a_number_and_what_is_none(text, point, comma):
    assert DECIMAL_POINT.number(text) == point
    assert DECIMAL_COMMA.number(text) == comma


def test_a_column_is_parsed_and_a_field_of_another_form_named(tmp_path):
    rows = rows_of(tmp_path, "3,5\tx\n\ty\n1.000 \u20ac\tz\n", columns=["b", "a"], parse={"b": "decimal_comma"})
    assert [row["b"] for row in rows] == [3.5, None, 1000.0]
    message = r"x.tsv, row 2: b: is no number of this form, got '3.5'. Example: 3,5 or 1.234,50"
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path, "3,5\tx\n3.5\ty\n", columns=["b", "a"], parse={"b": "decimal_comma"})


def test_numbers_of_json_stay_numbers(tmp_path):
    content = '{"a": "x", "b": 2}\n{"a": "y", "b": 2.5}\n'
    rows = rows_of(tmp_path, content, name="x.jsonl", parse={"b": "decimal_comma"})
    assert [row["b"] for row in rows] == [2.0, 2.5]
