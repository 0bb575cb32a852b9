"""An ordinal task: how red a text is."""

DEFINITION = {
    "task_type": "ordinal",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["text"],
    "labels": ["none", "one", "many"],
}
ROWS = [
    {"text": "the cat sleeps", "label": "none"},
    {"text": "a red dog runs", "label": "one"},
    {"text": "the red car is under the red house", "label": "many"},
    {"text": "old", "label": "none"},
    {"text": "a small red cat sees the big blue dog and the new car", "label": "one"},
    {"text": "red red red", "label": "many"},
]
AUTO_CLASS = "AutoModelForSequenceClassification"
