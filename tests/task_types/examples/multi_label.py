"""Rows with no, one and several labels."""

DEFINITION = {
    "task_type": "multi_label",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["text"],
    "label": "labels",
    "labels": ["animal", "color", "size"],
}
ROWS = [
    {"text": "the red dog runs", "labels": ["animal", "color"]},
    {"text": "is not in", "labels": []},
    {"text": "a small blue cat sleeps on the big old car", "labels": ["animal", "color", "size"]},
    {"text": "big", "labels": ["size"]},
    {"text": "the dog sees a cat and the cat sees the dog", "labels": ["animal"]},
    {"text": "a red car is under the house", "labels": ["color"]},
]
AUTO_CLASS = "AutoModelForSequenceClassification"
