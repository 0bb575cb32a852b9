"""What is freed stays with the process, until the memory is given back."""

import os
import platform
import subprocess
import sys

import pytest

from mtsmart.cpu.allocator import keep_freed_memory, keeping_freed_memory

glibc_only = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator is meant")
BYTES = "block = lambda: b'x' * 2**26"  # as large as the tensor, and there without loading torch
TENSOR = "import torch; block = lambda: torch.ones(2**24)"
MEASURE = """
import sys
from benchmarks.speed.process_memory import status
from mtsmart.cpu.allocator import give_back_memory, keep_freed_memory, keeping_freed_memory, returning_freed_memory

def megabytes_left():
    # Blocks of 64 MB each: by default glibc asks the system for each block of this size, and gives it back at once.
    before = status("RssAnon")
    blocks = [block() for _ in range(5)]
    del blocks
    return (status("RssAnon") - before) / 2**20

"""
KEPT = "assert keep_freed_memory()\nprint(megabytes_left())"
# What was kept is measured itself: later blocks may lie in its gaps, below a small block that is still in use.
GIVEN_BACK = """
keep_freed_memory()
start = status("RssAnon")
megabytes_left()
give_back_memory()
print((status("RssAnon") - start) / 2**20)
"""
KEPT_LATER = "keep_freed_memory()\nmegabytes_left()\ngive_back_memory()\nprint(megabytes_left())"
AFTER_AN_ERROR = """
try:
    with keeping_freed_memory():
        raise ValueError
except ValueError:
    print(megabytes_left())
"""


# Blocks that were freed let glibc adapt itself: later ones lie below small ones that are still in use.
ADAPTED = """
for size in (8, 16, 31):
    large = b"x" * (size * 2**20)
    del large
before = status("RssAnon")
blocks = []
small = []
for _ in range(6):
    blocks.append(b"x" * (20 * 2**20))
    small.append(b"x" * 100_000)
del blocks
print((status("RssAnon") - before) / 2**20)
"""
RETURNED = "with returning_freed_memory():\n" + "".join(f"    {line}\n" for line in ADAPTED.strip().splitlines())


def megabytes(script: str, block: str = BYTES, **environment: str) -> float:
    """What the script prints, in a process of its own: settings of the allocator hold for a whole process."""
    command = [sys.executable, "-c", f"{block}\n{MEASURE}{script}"]
    variables = {**os.environ, **environment}
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout)


@glibc_only
@pytest.mark.parametrize("block", [BYTES, TENSOR], ids=["bytes", "tensor"])
def test_freed_memory_is_kept(block):
    assert megabytes(KEPT, block) > 250


@glibc_only
@pytest.mark.parametrize("script", [GIVEN_BACK, AFTER_AN_ERROR])
def test_afterwards_freed_memory_goes_back_to_the_system(script):
    assert megabytes(script) < 50


@glibc_only
def test_where_memory_is_scarce_it_goes_back_at_once():
    assert megabytes(ADAPTED) > 50, "glibc itself keeps some"
    assert megabytes(RETURNED) < 10


@glibc_only
@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_TRIM_THRESHOLD_": "2000000000", "MALLOC_MMAP_MAX_": "0"},
        {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=2000000000:glibc.malloc.mmap_max=0"},
    ],
)
def test_settings_of_the_environment_come_back(environment):
    assert megabytes(KEPT_LATER, **environment) > 250


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
    with keeping_freed_memory():
        pass
