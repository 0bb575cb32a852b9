"""Rows with one candidate each, graded; the rows of a query do not stand together, and one has a single candidate."""

DEFINITION = {
    "task_type": "ranking",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["query", "candidate"],
    "options": {"group": "id"},
}
ROWS = [
    {"id": "q1", "query": "the dog runs", "candidate": "a dog is in the house", "label": 0},
    {"id": "q2", "query": "big red car", "candidate": "the car is red and very big", "label": 2},
    {"id": "q1", "query": "the dog runs", "candidate": "dog runs", "label": 1},
    {"id": "q3", "query": "a cat sees the small old house", "candidate": "cat", "label": 1},
    {"id": "q2", "query": "big red car", "candidate": "blue", "label": 0},
    {"id": "q4", "query": "under the house", "candidate": "a cat sleeps under the old house", "label": 1},
    {"id": "q2", "query": "big red car", "candidate": "a car", "label": 1},
    {"id": "q4", "query": "under the house", "candidate": "on the car", "label": 0},
]
AUTO_CLASS = "AutoModelForMultipleChoice"
