"""The border of the Python interface: it refuses arguments that are not of the annotated types.

A public function is decorated with :func:`checked`. Its annotations alone say which values it takes.
"""

from __future__ import annotations

import inspect
import math
import os
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from mtsmart.errors import ConfigError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Item = TypeVar("Item")
_NAMES: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    Iterable: "a list",
    Mapping: "a mapping with texts as keys",
    Callable: "a function",
    types.NoneType: "None",
}


class _Misfit(Exception):
    """A value is not of its annotated type.

    Args:
        message: what would be right.
        value: the value, or the item of it that is wrong.
        hint: what the user can do instead.
    """

    def __init__(self, message: str, value: object, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.hint = hint


def items_of(argument: str, values: Iterable[Item]) -> list[Item]:
    """The items that a user of the Python interface gives.

    Args:
        argument: the name of the argument.
        values: what the user gives. A text would be read as the list of its letters.

    Raises:
        ConfigError: it is a single text or path.
    """
    if isinstance(values, str | bytes | os.PathLike):
        hint = f"Write {argument}=[{values!r}]"
        raise ConfigError("should be a list", argument=argument, value=values, hint=hint)
    return list(values)


def as_python(value: Any) -> Any:
    """The number, truth value or text of Python in place of a single one of numpy or torch; all else as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def checked(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorator that refuses arguments of wrong types before the function starts.

    An iterable is read once, and the function gets it as a list. A text counts as an iterable of texts, because Python
    itself sees it so; the function decides what it makes of such a text.

    Raises:
        ConfigError: an argument is not of its annotated type. The error names the argument, its value and the type.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # Python's own error names the function and the argument that is unknown or missing.
            return function(*args, **kwargs)
        annotations = _annotations(function)
        for name, value in bound.arguments.items():
            if name in annotations:
                is_variadic = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                bound.arguments[name] = _read(name, value, annotations[name], is_variadic)
        return function(*bound.args, **bound.kwargs)

    return call


@cache
def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """Argument -> its type. The types are read at the first call, when all modules are imported."""
    return get_type_hints(function)


def _read(name: str, value: Any, annotation: Any, is_variadic: bool) -> Any:
    """The value that the function gets. ``is_variadic``: the value is the tuple of the arguments ``*name``.

    Raises:
        ConfigError: the value is not of the annotated type.
    """
    try:
        return _fitted_items(value, annotation) if is_variadic else _fitted(value, annotation)
    except _Misfit as misfit:
        raise ConfigError(misfit.message, argument=name, value=misfit.value, hint=misfit.hint) from None


def _fitted(value: Any, annotation: Any) -> Any:
    """``value`` if it is of the annotated type; a list in the place of an iterable, and a number of Python.

    Raises:
        _Misfit: it is not.
    """
    choices = _choices(annotation)
    value = as_python(value)
    if any(_is_of(value, choice) for choice in choices):
        return value
    items = [get_args(choice)[0] for choice in choices if get_origin(choice) is Iterable]
    if items and _is_series(value):
        return _fitted_items(value, items[0])
    is_single = any(_is_of(value, choice) for item in items for choice in _choices(item))
    hint = f"Put it into a list: [{value!r}]" if is_single else None
    raise _Misfit(f"should be {' or '.join(map(_in_words, choices))}", value, hint)


def _fitted_items(items: Iterable[Any], annotation: Any) -> list[Any]:
    """The items that the function gets. Where one may be None, it is None for what other libraries have there."""
    choices = _choices(annotation)
    present = [choice for choice in choices if choice is not types.NoneType]
    fitted: list[Any] = []
    for number, item in enumerate(items, 1):
        if len(present) < len(choices) and _is_gap(item):
            fitted.append(None)
            continue
        try:
            fitted.append(_fitted(item, Union[tuple(present)]))  # noqa: UP007 - they are known at run time only
        except _Misfit as misfit:
            raise _Misfit(f"item {number} {misfit.message}", misfit.value, misfit.hint) from None
    return fitted


def _choices(annotation: Any) -> list[Any]:
    """The members of a union; otherwise the type itself. ``Path`` includes a text, so ``str`` beside it is left out."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return [annotation]
    members = get_args(annotation)
    return [member for member in members if not (member is str and Path in members)]


def _is_gap(value: object) -> bool:
    """Whether an item is missing: None, a NaN, or the NA of pandas, which is not imported for it."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def _is_series(value: object) -> bool:
    """Whether the items of a value are meant one by one."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def _is_of(value: Any, choice: Any) -> bool:
    """Whether a value is of a type as it is. Only a text is so of a type ``Iterable``."""
    kind = get_origin(choice) or choice
    if kind is Any:
        return True
    if kind is Iterable:
        return isinstance(value, str) and get_args(choice) == (str,)
    if kind is Path:
        return _is_path(value)
    if kind in (int, float):
        numbers = int if kind is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if kind is Mapping:
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    return isinstance(value, kind)


def _is_path(value: object) -> bool:
    """Whether a value names a file: a text, or an object such as ``Path`` that has one."""
    if not isinstance(value, str | os.PathLike):
        return False
    text = os.fspath(value)
    return isinstance(text, str) and "\0" not in text


def _in_words(choice: Any) -> str:
    kind = get_origin(choice) or choice
    return _NAMES.get(kind) or f"a {kind.__name__}"
