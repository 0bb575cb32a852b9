"""Scores trained models and predicts with them."""
