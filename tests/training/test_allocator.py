"""What is freed stays with the process."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import sys, torch
from benchmarks.speed.memory import status
from mtsmart.training.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
tensors = [torch.ones(2**18) for _ in range(300)]  # 1 MB each
del tensors
print(status("RssAnon") / 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
def test_freed_memory_is_kept_when_asked_for():
    def megabytes(word):
        command = [sys.executable, "-c", SCRIPT, word]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert megabytes("keep") > megabytes("leave") + 200
