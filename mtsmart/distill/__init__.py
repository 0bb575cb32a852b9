"""Distillation: finished runs whose predictions are learnt, and the term that learns them."""

from mtsmart.distill.term import Distill

__all__ = ["Distill"]
