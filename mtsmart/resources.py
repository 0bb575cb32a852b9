"""Files that ship with the package: task definitions and experiments."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """The folder of shipped ``tasks`` or ``experiments``.

    An installed wheel has them inside the package (``mtsmart/shipped/<kind>``). In a checkout or an editable
    installation they are the top-level folders.
    """
    installed = _PACKAGE / "shipped" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind
