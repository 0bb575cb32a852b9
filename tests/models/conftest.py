"""A folder that a stranger may change."""

import importlib.machinery
import shutil
import socket
import sys
import types

import pytest

from tests.models.strangers import CALLS, noted
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures)


@pytest.fixture
def folder(tmp_path, tiny_encoder, monkeypatch):  # noqa: F811
    """A copy of the tiny encoder; sockets, and the packages that fetch code or adapters, note that they are used."""
    CALLS.clear()
    monkeypatch.setattr(socket.socket, "connect", lambda *place: CALLS.append(place))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    for name in ("kernels", "peft"):
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        module.__getattr__ = noted
        monkeypatch.setitem(sys.modules, name, module)
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    return tmp_path / "encoder"
