"""A number for one text."""

DEFINITION = {
    "task_type": "regression",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["text"],
    "label": "score",
    "metrics": ["pearson", "spearman"],
}
ROWS = [
    {"text": "the very big red dog runs and runs and eats the cat", "score": 4.5},
    {"text": "a cat", "score": 0.5},
    {"text": "the house is not small but very old", "score": 2.0},
    {"text": "car", "score": 0.0},
    {"text": "the new car is in the blue house under the dog", "score": 3.25},
    {"text": "a dog sees a cat", "score": 1.5},
]
AUTO_CLASS = "AutoModelForSequenceClassification"
