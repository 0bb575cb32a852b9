"""group_exact: rows that are judged together."""

from mtsmart.metrics import METRICS
from mtsmart.metrics.groups import GroupedLabel


def test_a_group_is_right_if_all_its_rows_are():
    gold = [GroupedLabel(label, group) for label, group in zip([0, 1, 1, 0, 1], "abacb", strict=True)]
    assert METRICS["group_exact"]([0, 1, 0, 0, 1], gold) == 2 / 3
    assert METRICS["group_exact"](gold, gold) == 1


def test_a_grouped_label_counts_as_its_number():
    gold = [GroupedLabel(1, "a"), GroupedLabel(0, "a")]
    assert gold == [1, 0]
    assert METRICS["f1"]([1, 1], gold) == METRICS["f1"]([1, 1], [1, 0])
