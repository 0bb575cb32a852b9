"""Rows with two to four candidates."""

DEFINITION = {
    "task_type": "multiple_choice",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["text", "question"],
    "options": {"choices": "endings"},
}
ROWS = [
    {"text": "the dog runs", "question": "and", "endings": ["sleeps", "the cat sees", "eats"], "label": 1},
    {"text": "a cat sees the big red house", "question": "but", "endings": ["is not old", "is new"], "label": 0},
    {"text": "the old car", "question": "is", "endings": ["blue", "very very small", "red", "not new"], "label": 3},
    {"text": "dog", "question": "in", "endings": ["the house", "a car"], "label": 1},
    {"text": "the small blue cat sleeps under the car", "question": "and", "endings": ["eats", "runs"], "label": 0},
    {"text": "a house", "question": "on", "endings": ["a", "the big old red car sees a dog", "the"], "label": 2},
]
AUTO_CLASS = "AutoModelForMultipleChoice"
