"""Heads turn the encoder's outputs into a task's logits. Each head type has one file, which is imported here."""

from __future__ import annotations

import importlib
import pkgutil

from mtsmart.models.heads.base import HEADS, HEADS_OF_PAIRS, KINDS, HeadSpec, build_head, check_head

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["HEADS", "HEADS_OF_PAIRS", "KINDS", "HeadSpec", "build_head", "check_head"]
