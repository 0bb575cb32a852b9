"""Scoring and predicting with trained models."""
