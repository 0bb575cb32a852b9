"""Rows that several tasks label: one batch of them, which the encoder reads once, serves all of these tasks."""
