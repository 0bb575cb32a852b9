"""Silence for the libraries below; our own messages say what matters."""

from __future__ import annotations

import logging
import os


def quiet_libraries() -> None:
    """Switch off their progress bars and warnings, in this process."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
