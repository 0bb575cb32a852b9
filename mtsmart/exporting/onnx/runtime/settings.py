"""``tasks.json``: read, and checked before anything is computed with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtsmart.exporting.onnx.runtime.shapes import ByKind, Either, Misfit, Named, misfit
from mtsmart.exporting.onnx.runtime.tokens import AnswerError, Settings

FORMAT = 2  # raise when the file changes its meaning
_WHOLE = range(2**31)
_COUNT = range(1, 2**31)
_ONE_TEXT = (str,)
_TWO_TEXTS = (str, str)
_TEXTS = Either((_ONE_TEXT, _TWO_TEXTS))
_TEXT_OR_NONE = Either((str, None))
_WHOLE_OR_NONE = Either((_WHOLE, None))
_FRAMES = {
    str(count): {
        "specials": ([_WHOLE],) * (count + 1),
        "special_types": ([_WHOLE],) * (count + 1),
        "types": (_WHOLE,) * count,
    }
    for count in (1, 2)
}
_TOKENIZER = {
    "pad": _WHOLE,
    "mask": _WHOLE_OR_NONE,
    "cls": [_WHOLE],
    "filler": _WHOLE,
    "padding_side": {"left", "right"},
    "truncation_side": {"left", "right"},
    "prefix_blank": bool,
    "frames": _FRAMES,
}
_CANDIDATES = {"candidates": [str], "lists?": [str], "keys": _TEXT_OR_NONE, "placeholder": _TEXT_OR_NONE}
_READING: dict[str, dict[str, Any]] = {
    "texts": {"text": _TEXTS},
    "windows": {"text": _TEXTS, "overlap": _WHOLE},
    "candidates": {"text": [str], **_CANDIDATES},
    "groups": {"text": _TEXTS, "group": str},
    "words": {"text": _ONE_TEXT, "overlap": _WHOLE_OR_NONE},
    "spans": {"text": _TWO_TEXTS, "stride": _WHOLE},
    "masks": {"text": _ONE_TEXT},
}
_DECODING: dict[str, dict[str, Any]] = {
    "label": {"labels": [str]},
    "place": {"labels": [str]},
    "labels": {"labels": [str], "threshold": float},
    "number": {"mean": float, "std": float},
    "choice": {"names": [str]},
    "order": {},
    "ranks": {},
    "tags": {"labels": [str], "fallback": _WHOLE, "entities": bool},
    "answer": {"max_answer_length": _COUNT, "no_answer": bool, "null_threshold": float},
    "masks": {},
}
_OTHER_HEAD = {"groups?": Either(([[_WHOLE]], None)), "order?": Either(([_WHOLE], None))}
_TASK = {
    "type": str,
    "output": str,
    "windows": Either(({"pooling": str, "scores": _TEXT_OR_NONE}, None)),
    "columns": [str],
    "fields": Named([str]),
    "texts": _WHOLE,
    "labels": [str],
    "empty": [str],
    "reading": ByKind({kind: {**keys, "max_length": _COUNT} for kind, keys in _READING.items()}),
    "decoding": ByKind({kind: {**keys, **_OTHER_HEAD} for kind, keys in _DECODING.items()}),
    "has_probabilities": bool,
    "temperature": Either((float, None)),
}
_SETTINGS = {
    "batch_size": _COUNT,
    "tokenizer": _TOKENIZER,
    "outputs": Named({"row", "token", "position"}),
    "tasks": Named(_TASK),
}


def read_settings(folder: Path) -> dict[str, Any]:
    """What the file ``tasks.json`` of a folder holds.

    Raises:
        AnswerError: there is no such file, it has another form, or it is damaged.
    """
    file = folder / "tasks.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnswerError(f"{folder}: holds no exported model ({error})") from None
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"{file}: is damaged: it is not JSON in UTF-8 ({error})") from None
    if isinstance(found, dict) and "format" in found and found["format"] != FORMAT:
        raise AnswerError(f"{folder}: has another form than this file reads. Use the answer.py of that folder")
    if wrong := misfit(found, {"format": _WHOLE, **_SETTINGS}) or next(_contradictions(found), None):
        raise AnswerError(f"{file}: is damaged: {wrong}")
    return dict(found)


def _contradictions(settings: Settings) -> Iterator[Misfit]:
    """Names that one part of the settings uses and another one lacks."""
    if not settings["tasks"]:
        yield Misfit(("tasks",), "names no task")
    for name, task in settings["tasks"].items():
        place = ("tasks", name)
        if not task["columns"]:
            yield Misfit((*place, "columns"), "names no column")
        scores = task["windows"] and task["windows"]["scores"]
        for output in filter(None, (task["output"], scores)):
            if output not in settings["outputs"]:
                yield Misfit((*place, "output"), f"is none of the outputs, got {output!r}")
        for column in _columns_in(task["reading"]):
            if column not in task["columns"]:
                yield Misfit((*place, "reading"), f"reads what is none of the columns, got {column!r}")


def _columns_in(reading: Mapping[str, Any]) -> list[str]:
    """The columns that a task's way of reading names."""
    single = [reading[key] for key in ("group", "keys") if reading.get(key) is not None]
    return [*reading["text"], *reading.get("candidates", ()), *single]
