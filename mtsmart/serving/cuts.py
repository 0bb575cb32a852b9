"""What a client is told of inputs that were too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtsmart.serving.engine import Answers, ServedTask
from mtsmart.text.counts import part_of


def warnings_about(answers: Answers, tasks: Mapping[str, ServedTask]) -> list[dict[str, Any]]:
    """For each task that did not read all inputs whole, its name, how many it cut, and a sentence.

    Args:
        answers: of at least one task.
        tasks: name -> task.
    """
    counts = {name: sum(answer.is_cut for answer in given) for name, given in answers.items()}
    return [
        {"task": name, "cut": count, "message": _sentence(tasks[name], count, len(answers[name]))}
        for name, count in counts.items()
        if count
    ]


def _sentence(task: ServedTask, count: int, inputs: int) -> str:
    verb = "is" if count == 1 else "are"
    if task.in_windows:
        how = f"cut, because both texts of the pair are longer than half a window of {task.max_length} tokens"
    elif task.parts is not None and task.task_type == "span":
        how = f"cut, because the first text leaves no room for the second in {task.max_length} tokens"
    else:
        how = f"cut to {task.max_length} tokens, which is all that the task reads"
    return f"{part_of(count, inputs, 'input')} {verb} {how}"
