"""What all pictures have in common: whether they can be drawn, and matplotlib in a known state."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

INSTALL = "pip install 'mtsmart[plots]'"
"""What a user does who lacks matplotlib."""


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def plain_matplotlib(settings: Mapping[Any, Any]) -> Iterator[None]:
    """Inside it matplotlib has its defaults and these settings, so that the same figures give the same bytes."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Matplotlib warns about letters that its font lacks. An SVG stores them as text, so they are not lost.
        warnings.simplefilter("ignore", UserWarning)
        matplotlib.rcdefaults()  # Otherwise a matplotlibrc in the working directory would change the pictures.
        matplotlib.rcParams.update(settings)
        yield
