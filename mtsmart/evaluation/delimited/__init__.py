"""Predictions as csv and tsv."""
