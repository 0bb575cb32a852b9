"""Fixtures for tests that need a tiny encoder of two layers: a file or a folder's conftest.py imports both of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import WORDS, training_once
from tests.tiny_encoder import write_tiny_encoder

__all__ = ["tiny_encoder", "trained_workspace"]


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of tests/conftest.py, with two layers."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    write_tiny_encoder(folder, WORDS, width=16, positions=64)
    return folder


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Callable[..., Path]:
    """That of tests/conftest.py, with two layers."""
    return training_once(tmp_path_factory, tiny_encoder)
