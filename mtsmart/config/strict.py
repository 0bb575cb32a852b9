"""The base class of all sections of the configuration, and the error of their validators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mtsmart.config.document import Key

_NOTHING = object()


class StrictModel(BaseModel):
    """The base class of all sections. They are immutable, refuse unknown keys and convert no types."""

    main_key: ClassVar[str | None] = None
    """The key that a user means who writes a text in the place of the whole section."""
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def known_keys(cls) -> list[str]:
        """All keys that the section may have."""
        return list(cls.model_fields)

    @classmethod
    def type_of(cls, key: str) -> Any:
        """The type of a key's value; None if there is no such key."""
        return cls.model_fields[key].annotation if key in cls.model_fields else None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What the text of a section in Python shows: the values that are not the defaults."""
        for name, value in super().__repr_args__():
            field = None if name is None else type(self).model_fields.get(name)
            if field is None or value != field.get_default(call_default_factory=True):
                yield name, value

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """The reason why a key is unknown; None if there is no special reason."""
        return None

    @classmethod
    def hint_of_keys(cls) -> str:
        """The keys that the section may have, for a key that is like none of them."""
        return f"Choose from: {', '.join(sorted(cls.known_keys()))}"


class Misfit(ValueError):
    """The error that a model's validator raises for a value inside the model.

    Args:
        message: what is wrong, without the place and the value.
        path: the keys from the model to the value.
        value: the wrong value. It is left out where the key is wrong, whatever its value is.
        hint: which value would be right.
    """

    def __init__(self, message: str, path: Key, value: Any = _NOTHING, hint: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.shown = {} if value is _NOTHING else {"value": value}
        self.hint = hint


def first_problem(error: ValidationError) -> tuple[str | None, str]:
    """The dotted key and the message of the first problem in a stored file; the key is None for the whole."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, problem["loc"])) or None, problem["msg"]
