"""Configurations that can be compared, so that what is built from equal ones is built once."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import PreTrainedConfig


@dataclass(frozen=True)
class SameSettings:
    """A configuration; two with the same class and the same text are equal.

    transformers' own configurations have no hash.
    """

    kind: type[PreTrainedConfig]
    text: str
    config: PreTrainedConfig = field(compare=False)

    @classmethod
    def of(cls, config: PreTrainedConfig) -> SameSettings:
        """With all settings of a configuration, also those that are the defaults of its class."""
        return cls(type(config), config.to_json_string(use_diff=False), config)
