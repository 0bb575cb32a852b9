"""Builds sections of the configuration. Errors of pydantic become one ConfigError."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mtsmart.config.document import COMMAND_LINE, Document, Key
from mtsmart.config.forms import choices_in, sections_in, types_at, words_for
from mtsmart.config.hints.arms import hint_for_values
from mtsmart.config.hints.choices import hint_for_choice
from mtsmart.config.hints.places import as_change, in_braces
from mtsmart.config.hints.unknown_keys import hint_for_unknown
from mtsmart.config.reading.meant import list_meant, mapping_meant, null_meant, section_meant
from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.errors import ConfigError, nearest

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
    location = _real_path(document.data, tuple(problem["loc"]), problem["type"] == "missing")
    kinds = types_at(model, location)
    if problem["type"] == "literal_error" and not choices_in(kinds):
        kinds = types_at(model, (*location, *problem["loc"][-1:]))  # the word of a short form that pydantic expanded
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        location = (*location, *cause.path)
    if problem["type"] in _OF_ONE_WORD and _is_short_form(document, location):
        location = location[:-1]
    origin = document.origin(location)
    place: dict[str, Any] = {
        "file": origin.file,
        "line": origin.line,
        "key": ".".join(map(str, (*prefix, *origin.above, *location))) or None,
    }
    if isinstance(cause, Misfit):
        return ConfigError(str(cause), hint=cause.hint, **cause.shown, **place)
    if problem["type"] == "extra_forbidden":
        written = as_change if origin == COMMAND_LINE else in_braces
        hint = hint_for_values(model, location, problem["input"], written)
        return ConfigError("unknown key", hint=hint or hint_for_unknown(model, location, written), **place)
    if problem["type"] == "missing":
        return ConfigError("is required but missing", **place)
    if problem["type"] == "value_error":
        return ConfigError(str(cause), **place)
    wrong = _wrong_value(problem, kinds, place)
    hint = None if wrong.hint else null_meant(_description(model, location), problem["input"])
    return wrong.with_hint(hint) if hint else wrong


def _description(model: type[StrictModel], location: Key) -> str | None:
    """What is said of a field; None if there is no such field, or nothing is said of it."""
    fields = [section.model_fields.get(str(location[-1])) for section in sections_in(types_at(model, location[:-1]))]
    return next((field.description for field in fields if field is not None), None)


_OF_ONE_WORD = ("literal_error", "value_error")  # pydantic's problems that the word of a short form can have


def _is_short_form(document: Document, location: Key) -> bool:
    """Whether the user wrote the value one key higher, as in ``smart: tuned`` for ``smart: {preset: tuned}``."""
    if not location or location in document.origins or location[:-1] not in document.origins:
        return False
    return _real_path(document.data, location, is_missing=False) == location


def _wrong_value(problem: ErrorDetails, kinds: Sequence[Any], place: dict[str, Any]) -> ConfigError:
    """The error of a value that has another type, or that is out of range.

    Args:
        problem: the first of pydantic's problems. A type with alternatives has one problem for each of them.
        kinds: the types that the value may have.
        place: file, line and key.
    """
    value = problem["input"]
    forms = words_for(kinds)
    choices = choices_in(kinds)
    if forms is not None:
        near = nearest(value, choices) if isinstance(value, str) else None
        hint = None if near is None else f"Did you mean '{near}'?"
        return ConfigError(f"should be {forms}", value=value, hint=hint, **place)
    if problem["type"] == "literal_error":
        return ConfigError("is not one of the choices", value=value, hint=hint_for_choice(value, choices), **place)
    return ConfigError(_readable(problem["msg"]), value=value, hint=_meant(problem, kinds, place["key"]), **place)


def _meant(problem: ErrorDetails, kinds: Sequence[Any], dotted: str | None) -> str | None:
    """What to write for a list, a mapping or a section that has another form; None if nobody can tell."""
    key = (dotted or "").rpartition(".")[2]
    value = problem["input"]
    if problem["type"] == "list_type":
        return list_meant(key, value)
    if problem["type"] == "dict_type":
        return mapping_meant(key, value)
    if problem["type"] == "model_type":
        return next((section_meant(key, value, kind.main_key) for kind in sections_in(kinds)), None)
    return None


_YAML_TERMS = {
    r"^should be a valid integer.*$": "should be a whole number",
    r"^should be a valid number.*$": "should be a number",
    r"^should be a valid string.*$": "should be text",
    r"^should be a valid boolean.*$": "should be true or false",
    r"^should be a valid dictionary( or instance of \w+)?$": "should be a mapping: {key: value}",
    r"^should be a valid list$": "should be a list: [one, another]",
    r"^(?:List|Dictionary) (should have .*? items?) after validation, not \d+$": r"\1",
}


def _readable(message: str) -> str:
    """Pydantic's message in the terms of YAML. It says "should be ..." and shows the expected form."""
    message = message.removeprefix("Input ").removeprefix("String ").removeprefix("Value error, ")
    for pattern, words in _YAML_TERMS.items():
        message = re.sub(pattern, words, message)
    return message


def _real_path(data: Any, location: tuple[Any, ...], is_missing: bool) -> Key:
    """The part of pydantic's location that exists in the data. Pydantic adds the names of a union's branches.

    Args:
        data: the data of the document.
        location: pydantic's location.
        is_missing: whether the last part is a key that the data lacks.
    """
    path: list[str | int] = []
    for index, part in enumerate(location):
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
        elif not (is_missing and index == len(location) - 1):
            continue
        path.append(part)
    return tuple(path)
