"""Pairs in three classes."""

DEFINITION = {
    "task_type": "classification",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["premise", "hypothesis"],
    "labels": ["yes", "no", "maybe"],
    "metrics": ["accuracy", "macro_f1"],
}
ROWS = [
    {"premise": "the red cat sleeps in the house", "hypothesis": "a cat sleeps", "label": "yes"},
    {"premise": "a dog", "hypothesis": "the dog is not very big and eats", "label": "maybe"},
    {"premise": "the old car runs", "hypothesis": "the car is not old", "label": "no"},
    {"premise": "a small blue house is under the dog and the cat", "hypothesis": "house", "label": "maybe"},
    {"premise": "the cat eats", "hypothesis": "the cat eats", "label": "yes"},
    {"premise": "the new car sees the red dog but not the cat", "hypothesis": "the car sees the cat", "label": "no"},
]
AUTO_CLASS = "AutoModelForSequenceClassification"
