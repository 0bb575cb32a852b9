"""From how many validation rows on it is told that training rows have their texts; test_split_checks.py finds them."""

from mtsmart.preparation.split_checks import seen_text


def test_seen_texts_are_told_from_one_row_in_a_hundred():
    assert seen_text(1, 100) == "1 of 100 validation rows has the text of a training row, so its score is too good"
    assert seen_text(1, 101) is None
    assert seen_text(0, 1) is None
