"""The pooling that a sentence encoder was made with, from the file that sentence-transformers keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError, reason_in
from mtsmart.models.checks.parsing import read_settings
from mtsmart.models.loading import resolve_path

SENTENCE_TRANSFORMER = "SentenceTransformer"  # the class of sentence-transformers
MODULES = "modules.json"
POOLING = "1_Pooling"
CONFIG = "config.json"
KEYS = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "max": "pooling_mode_max_tokens"}
"""Pooling of a plain head that gives one vector -> the key of sentence-transformers that switches it on."""
LAST = "pooling_mode_lasttoken"
"""The key for ``cls`` in an architecture that summarises at the end."""
_PREFIX = "pooling_mode"


def made_with(encoder: EncoderConfig) -> str | None:
    """The pooling of a sentence encoder: ``cls``, ``mean``, ``cls_mean`` or ``max``.

    The file lies in the encoder's folder or Hub repository. In an older form of sentence-transformers it lies beside
    the encoder's folder.

    Returns:
        None where there is no such file, as for encoders that were made without pooling, and where it names another
        pooling or several others.

    Raises:
        CheckpointError: the encoder's folder is not there, or the file is damaged.
    """
    assert encoder.path is not None  # RunConfig makes sure of it
    path = resolve_path(encoder.path)
    file = _beside(Path(path)) if Path(path).is_dir() else _on_the_hub(path, encoder.revision)
    if file is None:
        return None
    try:
        settings = read_settings(file)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_in(error)}", file=file) from None
    chosen = _modes(settings)
    if set(chosen) == {"cls", "mean"}:
        return "cls_mean"
    return chosen[0] if len(chosen) == 1 and chosen[0] in KEYS else None


def _modes(settings: Mapping[str, Any]) -> list[str]:
    """The poolings that a file switches on, those of a plain head by their names; it may be in the older form."""
    given = settings.get(_PREFIX)
    if given is not None:
        return [given] if isinstance(given, str) else list(given)
    named = {key: pooling for pooling, key in KEYS.items()}
    return [named.get(key, key) for key, value in settings.items() if key.startswith(_PREFIX) and value is True]


def _beside(folder: Path) -> Path | None:
    """The file in a local folder, or beside it where the parent is a sentence encoder."""
    places = [folder]
    if (folder.parent / MODULES).is_file():
        places.append(folder.parent)
    files = [place / POOLING / CONFIG for place in places]
    return next((file for file in files if file.is_file()), None)


def _on_the_hub(path: str, revision: str | None) -> Path | None:
    found = cached_file(
        path,
        CONFIG,
        subfolder=POOLING,
        revision=revision,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if found is None else Path(found)
