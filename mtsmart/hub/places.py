"""What is told on the Hub of the files and folders of this machine: their last names alone."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

from mtsmart.config.loader import Place, change_places
from mtsmart.config.sections import RunConfig


def last_name(value: Any, place: Place) -> Any:
    """Of a path that begins at the root or at home only its last name. A Hub id or an address stays."""
    value = str(value) if isinstance(value, PurePath) else value
    if isinstance(value, str) and (os.path.isabs(value) or value.startswith(("~", "./", "../"))):
        return os.path.basename(value.rstrip("/")) or "folder"
    return value


def without_places(config: RunConfig) -> RunConfig:
    """A configuration in which each file and folder is only its last name."""
    data = config.model_dump(exclude_none=True)
    change_places(data, last_name)
    return RunConfig.model_validate(data)
