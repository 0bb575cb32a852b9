"""Distillation: teachers are finished runs, and a term of the loss learns their predictions."""

from mtsmart.distill.term import Distill

__all__ = ["Distill"]
