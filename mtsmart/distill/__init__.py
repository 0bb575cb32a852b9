"""Distillation: finished runs whose predictions are learnt, and the term that learns them."""
