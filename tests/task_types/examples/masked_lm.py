"""Text without labels."""

DEFINITION = {
    "task_type": "masked_lm",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["text"],
    "metrics": ["token_accuracy", "perplexity"],
    "options": {"mask_probability": 0.3},
}
ROWS = [
    {"text": "the red cat sleeps in the old house and the dog is under the car but not very big"},
    {"text": "a dog"},
    {"text": "the big dog eats and the small cat sees the new house"},
    {"text": "house"},
    {"text": "the car is not in the house"},
    {"text": "a very old blue car runs " * 8},
]
AUTO_CLASS = "AutoModelForMaskedLM"
