"""Extractive question answering: rows of varied length, some with several answers or none."""

DEFINITION = {
    "task_type": "span",
    "dataset": {"files": {"train": "unused.jsonl"}},
    "text": ["question", "context"],
    "options": {"no_answer": True, "stride": 4, "max_answer_length": 4},
}
_CONTEXTS = [
    "the red cat sleeps under the old car and the blue dog runs",
    "a small house",
    "the new car is not red but the old car is very blue and the dog sees the cat",
    "big dog eats in the house on the small old house",
    "a cat sees a dog and a dog sees a cat and the cat runs and the dog sleeps in a big new blue house",
    "the dog is old",
    "blue",
]
_QUESTIONS = ["cat sleeps under", "is a house small", "red car not", "dog eats in", "cat sees", "dog is", "is"]
_ANSWERS = [["the old car", "old car"], ["small"], ["the new car"], ["the house"], ["big new blue house"], [], ["blue"]]
ROWS = [
    {
        "question": question,
        "context": context,
        "answers": {"text": answers, "answer_start": [context.index(answer) for answer in answers]},
    }
    for question, context, answers in zip(_QUESTIONS, _CONTEXTS, _ANSWERS, strict=True)
]
AUTO_CLASS = "AutoModelForQuestionAnswering"
