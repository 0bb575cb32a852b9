"""Modules in the working directory are not imported, neither by the command nor by processes that it starts."""

import subprocess
import sys

import pytest

from mtsmart.processes import children_without_working_directory

TRAPS = ["torch.py", "typing.py", "typer.py", "struct.py", "socket.py", "yaml/__init__.py", "pydantic/__init__.py"]


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in TRAPS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"open('{tmp_path}/ran', 'a').write(__name__)\n")
    return tmp_path


def test_the_module_of_the_command_leaves_it_alone(trapped):
    command = [sys.executable, "-m", "mtsmart", "tasks", "list"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (trapped / "ran").exists()


def test_helpers_of_multiprocessing_leave_it_alone(trapped):
    """They start with ``python -c``, as this one does."""
    command = [sys.executable, "-c", "import struct, socket, typing"]
    with children_without_working_directory():
        subprocess.run(command, check=True)
    assert not (trapped / "ran").exists()
    subprocess.run(command, check=False, capture_output=True)
    assert (trapped / "ran").exists(), "the traps work"
