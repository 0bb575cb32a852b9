"""Counts in messages."""

import pytest

from mtsmart.text.counts import some_of


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "a"), (3, "a, b, c"), (4, "a, b, c and 1 more"), (5, "a, b, c and 2 more")]
)
def test_some_names_are_named_and_the_rest_counted(count, text):
    names = list("abcde")[:count]
    assert some_of(names, 3) == text
    assert some_of(names, 3, "labels") == (f"{text} labels" if count > 3 else text)
