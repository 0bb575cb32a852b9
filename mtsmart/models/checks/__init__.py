"""Checks of an encoder's folder, which may come from anywhere, before transformers and tokenizers trust it."""
