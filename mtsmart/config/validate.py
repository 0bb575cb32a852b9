"""Pydantic models that refuse unknown keys. Their errors become one ConfigError."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from mtsmart.config.document import Document, Key
from mtsmart.errors import ConfigError, did_you_mean


class StrictModel(BaseModel):
    """The base class of all sections. They are immutable, refuse unknown keys and convert no types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def known_keys(cls) -> list[str]:
        """All keys that the section may have."""
        return list(cls.model_fields)

    @classmethod
    def type_of(cls, key: str) -> Any:
        """The type of a key's value; None if there is no such key."""
        return cls.model_fields[key].annotation if key in cls.model_fields else None

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """The reason why a key is unknown; None if there is no special reason."""
        return None


class Misfit(ValueError):
    """The error that a model's validator raises for a value inside the model.

    Args:
        message: what is wrong, without the place and the value.
        path: the keys from the model to the value.
        value: the wrong value.
        hint: which value would be right.
    """

    def __init__(self, message: str, path: Key, value: Any = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.value = value
        self.hint = hint


M = TypeVar("M", bound=StrictModel)


def validate(model: type[M], document: Document, prefix: Key = ()) -> M:
    """Build ``model`` from a document.

    Args:
        model: the section to build.
        document: its data; ``document.origins`` give the places for errors.
        prefix: keys that stand above the document, shown in front of the key in errors.

    Raises:
        ConfigError: the document contains a mistake. The error describes the first one, with its place and a hint.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise _explain(model, document, prefix, error) from None


def _explain(model: type[StrictModel], document: Document, prefix: Key, error: ValidationError) -> ConfigError:
    # A misspelt key causes two problems: an unknown key and a missing key. The unknown key explains both, so it is
    # reported first.
    problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    location = _real_path(document.data, tuple(problem["loc"]))
    kind = problem["type"]
    context = problem.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Misfit):
        location = (*location, *cause.path)
    origin = document.origin(location)
    place: dict[str, Any] = {
        "file": origin.file,
        "line": origin.line,
        "key": ".".join(map(str, (*prefix, *location))) or None,
    }
    if kind == "extra_forbidden":
        sections = _sections_at(model, location[:-1])
        reasons = [section.reason_unknown(str(location[-1])) for section in sections]
        keys = [key for section in sections for key in section.known_keys()]
        hint = next(filter(None, reasons), None) or did_you_mean(location[-1], keys)
        return ConfigError("unknown key", hint=hint, **place)
    if kind == "missing":
        return ConfigError("is required but missing", **place)
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        return ConfigError(
            "is not one of the choices", value=problem["input"], hint=did_you_mean(problem["input"], options), **place
        )
    if isinstance(cause, Misfit):
        return ConfigError(str(cause), value=cause.value, hint=cause.hint, **place)
    if kind == "value_error":
        return ConfigError(str(cause), **place)
    return ConfigError(_readable(problem["msg"]), value=problem["input"], hint=_near_word(problems), **place)


def _near_word(problems: Sequence[ErrorDetails]) -> str | None:
    """A hint that names the nearest allowed word, if the first problem's value is a text where words are allowed."""
    value = problems[0]["input"]
    for problem in problems[1:]:
        if problem["type"] == "literal_error" and isinstance(value, str) and problem["input"] is value:
            return did_you_mean(value, re.findall(r"'([^']*)'", problem["ctx"]["expected"]))
    return None


def _readable(message: str) -> str:
    """Pydantic's message in the terms of YAML. It says "should be ..." and shows the expected form."""
    message = message.removeprefix("Input ").removeprefix("Value error, ")
    message = re.sub(r"^(?:List|Dictionary) (should have .*? items?) after validation, not \d+$", r"\1", message)
    message = re.sub(
        r"^should be a valid dictionary( or instance of \w+)?$", "should be a mapping: {key: value}", message
    )
    return re.sub(r"^should be a valid list$", "should be a list: [one, another]", message)


def _real_path(data: Any, location: tuple[Any, ...]) -> Key:
    """The part of pydantic's location that exists in the data. Pydantic adds the names of a union's branches."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
        elif isinstance(data, dict) and index == len(location) - 1 and isinstance(part, str):
            pass  # The key is missing from the data.
        else:
            continue
        path.append(part)
    return tuple(path)


def _sections_at(model: type[StrictModel], location: Key) -> list[type[StrictModel]]:
    """The sections that may stand at ``location`` inside ``model``."""
    current: Any = model
    for part in location:
        types = [section.type_of(str(part)) for section in _sections_in(current)]
        found = [kind for kind in types if kind is not None]
        current = found[0] if found else current
    return _sections_in(current)


def _sections_in(annotation: Any) -> list[type[StrictModel]]:
    if isinstance(annotation, type) and issubclass(annotation, StrictModel):
        return [annotation]
    return [section for argument in typing.get_args(annotation) for section in _sections_in(argument)]
