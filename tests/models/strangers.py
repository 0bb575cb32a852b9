"""Folders of encoders from strangers, and what is expected of them."""

import json

import pytest

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.loading import load_encoder

CALLS = []


def noted(name):
    """An attribute of a package that must not be used."""
    if name.startswith("__"):  # Python and transformers look for these when they ask whether a package is there.
        raise AttributeError(name)
    CALLS.append(name)


def change(file, **values):
    file.write_text(json.dumps((json.loads(file.read_text()) if file.exists() else {}) | values))


def refused(folder, reason):
    with pytest.raises(CheckpointError, match=reason):
        load_encoder(EncoderConfig(path=str(folder)))
    assert not CALLS
