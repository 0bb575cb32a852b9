"""What each run does first, done once: a server of forks imports this before the first of them.

Reading the tasks that come with mtsmart, loading the first encoder and finding the methods takes more than half a
second, as much as training a tiny model.
"""

import gc
import io
import os
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

from mtsmart.config.sections import EncoderConfig
from mtsmart.models.loading import load_encoder
from mtsmart.regularizers import REGULARIZERS
from mtsmart.tasks import TaskLibrary
from tests.tiny_encoder import write_tiny_encoder

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # A fork would wait for threads that it does not have.
with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):  # which gets bars of progress
    write_tiny_encoder(Path(folder), ["a"], width=16, positions=64, layers=1)
    load_encoder(EncoderConfig(path=folder))
TaskLibrary()
list(REGULARIZERS)
gc.collect()
gc.freeze()  # A collection in a fork would look through all of it, and copy it.
