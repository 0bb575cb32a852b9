"""Files that ship with the package: task definitions and experiments."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """The folder of the shipped ``tasks`` or ``experiments``.

    An installed wheel contains the folder in the package (``mtsmart/shipped/<kind>``). A checkout or an editable
    installation has it at the top level.
    """
    installed = _PACKAGE / "shipped" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def shipped_experiments() -> dict[str, Path]:
    """Name -> YAML file of each shipped experiment."""
    root = shipped("experiments")
    return {str(file.relative_to(root).with_suffix("")): file for file in sorted(root.rglob("*.yaml"))}
