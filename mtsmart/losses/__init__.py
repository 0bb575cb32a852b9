"""The loss map: criteria, divergences with their one-pass directions, means of teachers, and roles of divergences.

The tables are imported on first use, because they need torch, and configuration and tables of sweeps do not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mtsmart.losses.roles import OnePass, Role

if TYPE_CHECKING:
    from mtsmart.losses.criteria import CRITERIA, Criterion
    from mtsmart.losses.directions import DIRECTIONS
    from mtsmart.losses.divergences import DIVERGENCES, Divergence
    from mtsmart.losses.ensembles import ENSEMBLES

__all__ = ["CRITERIA", "DIRECTIONS", "DIVERGENCES", "ENSEMBLES", "Criterion", "Divergence", "OnePass", "Role"]

_MODULES = {
    "CRITERIA": "criteria",
    "Criterion": "criteria",
    "DIRECTIONS": "directions",
    "DIVERGENCES": "divergences",
    "Divergence": "divergences",
    "ENSEMBLES": "ensembles",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
