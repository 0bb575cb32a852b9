"""How many compiled products oneDNN, the library behind torch on processors, keeps."""

from __future__ import annotations

import os

_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_FEW = "32"


def keep_few_primitives() -> None:
    """Let oneDNN keep few compiled products, unless the user has said how many.

    It compiles one for each shape of a product and keeps 1,024. A server sees a new shape with nearly every batch, so
    the kept ones took 30 MB and more, and the next batch had no use for them: without them, answers took as long. This
    has no effect after the first product of a process.
    """
    os.environ.setdefault(_VARIABLE, _FEW)
