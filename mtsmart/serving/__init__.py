"""Answers questions over HTTP: one pass through the encoder for all tasks that read the same input.

``engine`` says what stands behind the server, and ``run_engine`` puts a run there. ``requests`` checks and reads what
clients send, ``batches`` answers several of their questions together, ``application`` joins these, and ``server`` runs
them until a signal stops it.
"""
