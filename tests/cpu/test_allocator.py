"""What is freed stays with the process."""

import platform
import subprocess
import sys

import pytest

from mtsmart.cpu.allocator import keep_freed_memory

SCRIPT = """
import torch
from benchmarks.speed.memory import status
from mtsmart.cpu.allocator import keep_freed_memory
assert keep_freed_memory()
before = status("RssAnon")
tensors = [torch.ones(2**18) for _ in range(300)]  # 1 MB each
del tensors
print((status("RssAnon") - before) / 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
def test_freed_memory_is_kept():
    command = [sys.executable, "-c", SCRIPT]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) > 250


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
