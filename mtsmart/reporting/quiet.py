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
    for name in ("accelerate", "huggingface_hub"):  # the latter tells each of its tries to reach the Hub
        logging.getLogger(name).setLevel(logging.ERROR)
