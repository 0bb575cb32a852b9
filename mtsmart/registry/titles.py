"""What messages call the loaded entries of the registries, and to which installed packages they belong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Any

from mtsmart.registry.table import is_own, loaded_entries


def title_of(entry: Any) -> str:
    """What messages call a loaded entry: its kind and name, and the package where it is not mtsmart's."""
    for kind, name, known in loaded_entries():
        if known is entry:
            package = None if is_own(entry) else package_of(getattr(entry, "__module__", None) or "")
            return f"the {kind} '{name}'" + (f" of the package {package}" if package else "")
    return str(getattr(entry, "__name__", entry))


def package_of(module: str) -> str | None:
    """Name and version of the installed package that a module belongs to; None if it adds nothing to mtsmart."""
    packages = _packages(tuple(sys.path))
    while module and module not in packages:  # Two packages may share the first part of their modules' names.
        module = module.rpartition(".")[0]
    return packages.get(module)


@cache
def _packages(path: tuple[str, ...]) -> dict[str, str]:
    """Module -> name and version of its package, for the modules of all entry points and the packages around them.

    Args:
        path: where packages are looked for; it is named so that another one is read anew.
    """
    found: dict[str, str] = {}
    for package in metadata.distributions():
        for module in _modules_of(package):
            found.setdefault(module, f"{package.name} {package.version}")
    return found


def _modules_of(package: metadata.Distribution) -> Iterator[str]:
    """The modules of a package's entry points for mtsmart, and the packages around them."""
    for point in package.entry_points:
        parts = point.module.split(".") if point.group.startswith("mtsmart.") else []
        for length in range(1, len(parts) + 1):
            yield ".".join(parts[:length])
