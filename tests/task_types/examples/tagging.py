"""Rows of a tagging task: who is where."""

DEFINITION = {
    "task_type": "tagging",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["words"],
    "label": "tags",
    "labels": ["O", "B-animal", "I-animal", "B-thing", "I-thing"],
}
_TAGS = {"cat": "B-animal", "dog": "B-animal", "house": "B-thing", "car": "B-thing"}
_SENTENCES = (
    "the red cat runs",
    "a big dog sees the small house",
    "under a car",
    "the old cat and the new dog eats in the blue house",
    "dog sleeps",
    "a small cat is not very big but the dog is very big and very old",
    "not in the car but on the house",
)
ROWS = [
    {"words": sentence.split(), "tags": [_TAGS.get(word, "O") for word in sentence.split()]} for sentence in _SENTENCES
]
AUTO_CLASS = "AutoModelForTokenClassification"
