"""Switches off the output of other libraries, because mtsmart's own messages say what the user needs."""

from __future__ import annotations

import logging
import os


def quiet_libraries() -> None:
    """Switch off progress bars and warnings of other libraries, in this process."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("accelerate", "huggingface_hub"):  # huggingface_hub warns whenever it tries the Hub.
        logging.getLogger(name).setLevel(logging.ERROR)
