"""Sections in which each entry of a registry has its own key. Entries may come from other packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import (
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.errors import did_you_mean
from mtsmart.registry import Registry, no_package_has

PARTS = "parts"
_SHOWN = 20  # keys that a message lists


class NamedEntry:
    """An entry of a registry whose settings stand under its name. Subclasses say more about it.

    Attributes:
        Settings: the type of the settings under its name in the YAML.
    """

    Settings: ClassVar[type[StrictModel]]

    @classmethod
    def section(cls) -> type[StrictModel]:
        """The type of the user's settings."""
        return cls.Settings

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The user's settings. A name without a value becomes empty settings."""
        return {} if value is None else value


class OpenSection(StrictModel):
    """A section with its own fields, and with a key for each entry of a registry.

    ``parts`` holds the validated values of these keys: name -> value. In YAML and in dumps these keys stand beside the
    section's own fields. A subclass sets ``registry``. Each entry of the registry has two class methods: ``section()``
    is the type of the key's value, and ``expand(value)`` is the long form of the text that the user wrote, or None if
    the user wrote nothing.
    """

    registry: ClassVar[Registry[Any]]
    parts: dict[str, SerializeAsAny[Any]] = Field(default_factory=dict)

    @classmethod
    def has_key(cls, name: object) -> bool:
        """Whether ``name`` is an entry of the registry that this section accepts."""
        return isinstance(name, str) and name in cls.registry

    @classmethod
    def known_keys(cls) -> list[str]:
        """All keys that the section may have."""
        own = [name for name in cls.model_fields if name != PARTS]
        return [*own, *(name for name in cls.registry if cls.has_key(name))]

    @classmethod
    def type_of(cls, key: str) -> Any:
        """The type of a key's value; None if there is no such key."""
        if key in cls.model_fields:
            return cls.model_fields[key].annotation
        return cls.registry[key].section() if cls.has_key(key) else None

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """Why an installed package that has such a key cannot be used."""
        return cls.registry.reason_missing(key)

    @classmethod
    def hint_of_keys(cls) -> str:
        """The section's own keys, then as many of the registry as have room."""
        keys = cls.known_keys()
        shown = keys[: max(_SHOWN, len(cls.model_fields) - 1)]
        more = ", ..." if len(keys) > len(shown) else ""
        return f"{no_package_has(cls.registry.kind)}. Choose from: {', '.join(shown)}{more}"

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        """Collect the values of the registry's keys in ``parts``."""
        if not isinstance(data, dict):
            return data
        if PARTS in data:
            raise Misfit("unknown key", (PARTS,), hint=did_you_mean(PARTS, cls.known_keys()))
        found = {key: value for key, value in data.items() if key not in cls.model_fields and cls.has_key(key)}
        own = {key: value for key, value in data.items() if key not in found}
        expanded = {key: cls.registry[key].expand(value) for key, value in found.items()}
        return {**own, PARTS: {key: value for key, value in expanded.items() if value is not None}}

    @field_validator(PARTS, mode="before")
    @classmethod
    def _validate_parts(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Validate each value by its entry. The location of an error contains the entry's name."""
        types = tuple((name, cls.registry[name].section()) for name in given)
        validated = _model_of(types).model_validate(dict(given))
        return {name: getattr(validated, name) for name in given}

    @model_serializer(mode="wrap")
    def _beside_one_another(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        parts = dumped.pop(PARTS, {})
        return {**dumped, **parts}


@cache
def _model_of(types: tuple[tuple[str, Any], ...]) -> type[StrictModel]:
    """A model with a required field for each name; made once, because that takes milliseconds."""
    fields: Any = {name: (kind, ...) for name, kind in types}
    return create_model("Parts", __base__=StrictModel, **fields)
