"""Heads: from the encoder's outputs to a task's logits. One file for each type; files are found by themselves."""

from __future__ import annotations

import importlib
import pkgutil

from mtsmart.models.heads.base import HEADS, KINDS, HeadSpec, build_head, check_head

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["HEADS", "KINDS", "HeadSpec", "build_head", "check_head"]
