"""Texts that are longer than the encoder reads at once: windows over them, and batches of their windows."""
