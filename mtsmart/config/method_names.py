"""The names that a regulariser may have: each is the key of its settings, and of its files in a resume point."""

from __future__ import annotations

_FILES_OF_A_RESUME_POINT = (
    "model",
    "optimizer",
    "random",
    "weighting",
    "best_heads",
)  # a method's state lies beside them

RESERVED: set[str] = set()
"""The other keys of an experiment, with which a method's settings would be mistaken."""


def check_name(name: str) -> None:
    """Refuse a name that means something else, or with which a method could never be switched on.

    Args:
        name: under which the method is to be registered.

    Raises:
        ValueError: says what the name means already.
    """
    if name in _FILES_OF_A_RESUME_POINT:
        raise ValueError(f"'{name}' is the name of a file of a resume point; the method needs another")
    if "." in name:
        raise ValueError(f"'{name}' has a dot, which separates keys; the method needs another name")
    if name in RESERVED:
        raise ValueError(f"'{name}' is another key of experiments; the method needs another name")
