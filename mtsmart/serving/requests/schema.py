"""What /openapi.json says about ``POST /predict``. The body is read by ``questions``."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_PAIR = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 2}
_ROW = {"type": "object"}

_BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tasks": {
            "description": "The tasks that are asked; all of /tasks, if it is not given.",
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}],
        },
        "texts": {
            "description": "A text, or a list with a text or a pair of texts for each input.",
            "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, _PAIR]}}],
        },
        "rows": {
            "description": "A row, or a list of rows: field -> value, with the fields that /tasks names.",
            "anyOf": [_ROW, {"type": "array", "minItems": 1, "items": _ROW}],
        },
    },
    "oneOf": [{"required": ["texts"]}, {"required": ["rows"]}],
}
_ANSWERS = {
    "type": "object",
    "required": ["answers"],
    "properties": {
        "answers": {
            "description": "For each input, task -> what `mtsmart predict` gives for it.",
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "object"}},
        },
        "warnings": {
            "description": "Only if inputs were too long: for each task that did not read them whole, how many it cut.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["task", "cut", "message"],
                "properties": {"task": _TEXT, "cut": {"type": "integer", "minimum": 1}, "message": _TEXT},
            },
        },
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message"],
            "properties": {
                "message": _TEXT,
                "row": {"type": "integer", "description": "The input, counted from 1."},
                "field": _TEXT,
                "value": {"type": "string", "description": "The wrong value, shortened."},
                "hint": _TEXT,
            },
        }
    },
}
_REFUSALS = {
    400: "The body is not JSON",
    401: "The token is missing or wrong",
    408: "The body came too slowly",
    413: "Too many inputs or bytes",
    415: "The body is not said to be JSON",
    422: "The question does not fit the tasks",
    429: "The server is busy; Retry-After says how many seconds to wait",
    503: "The server is stopping",
}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


PREDICT_SCHEMA: dict[str, Any] = {
    "requestBody": {"required": True, "content": _content(_BODY)},
    "responses": {
        "200": {"description": "The answers, in the order of the inputs", "content": _content(_ANSWERS)},
        **{str(status): {"description": text, "content": _content(_ERROR)} for status, text in _REFUSALS.items()},
    },
}
